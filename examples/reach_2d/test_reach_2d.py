"""The contract checks of HITL-CLIC: each AssertionError names what to mend."""

from reach_2d import Reach2d

from hitl_clic.testing import check_task, check_teacher


def test_the_task_keeps_the_contract():
    check_task(Reach2d)


def test_the_teacher_keeps_the_contract():
    check_teacher(Reach2d.teacher, Reach2d)
