"""The contract check of HITL-CLIC: each AssertionError names what to mend."""

from nearest_states_settings import NearestStatesSettings

from hitl_clic.testing import check_method


def test_the_method_keeps_the_contract():
    check_method(NearestStatesSettings)
