"""CURVE: only actors with the right keys are admitted; wrong key folders are refused by name."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import pytest
import zmq
from fake_learner import LINK, SETTINGS, make_pair

import app
from hitl_clic.link.actor import ActorLink
from hitl_clic.link.keys import create_keys, load_client_keys, load_server_keys
from hitl_clic.link.learner import ActorJoined, LearnerLink, PairArrived
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import Hello

pytestmark = pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
HELLO = Hello("run-a", "actor-a", SETTINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    return tmp_path / "keys"


def poll_until(link: LearnerLink, seconds: float, until_pair: bool) -> list[object]:
    events: list[object] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in link.poll(0.02):
            events.append(event)
            if isinstance(event, ActorJoined):
                link.welcome(event.actor, "learner-run", ())
            if isinstance(event, PairArrived) and until_pair:
                return events
    return events


def test_only_an_actor_with_a_known_key_is_admitted(folder: Path, tmp_path: Path) -> None:
    guarded = LINK.model_copy(update={"keys": folder / "learner"})
    stranger = tmp_path / "stranger"
    create_keys(stranger)
    shutil.copy(folder / "actor/learner.key", stranger / "actor/learner.key")
    # Any interface, which only keys allow; the actors still connect through loopback.
    link = LearnerLink("tcp://0.0.0.0:*", SETTINGS, guarded)
    port = link.address.rpartition(":")[2]
    actors = {
        name: ActorLink(f"tcp://127.0.0.1:{port}", HELLO, LINK.model_copy(update={"keys": keys}), lambda _: None)
        for name, keys in (("plain", None), ("stranger", stranger / "actor"), ("known", folder / "actor"))
    }
    try:
        for name in ("plain", "stranger"):
            actors[name].start()
            actors[name].send_pair(make_pair(0))
        assert poll_until(link, 0.5, until_pair=False) == []
        actors["known"].start()
        actors["known"].send_pair(make_pair(1))
        events = poll_until(link, 5.0, until_pair=True)
        assert [event.pair.id for event in events if isinstance(event, PairArrived)] == [1]
        assert actors["plain"].status().state == actors["stranger"].status().state == "connecting"
    finally:
        for actor in actors.values():
            actor.close(0.0)
        link.close()


def test_each_side_has_its_own_secret_alone(folder: Path) -> None:
    held = {side: {path.name for path in (folder / side).iterdir()} for side in ("learner", "actor")}
    assert held == {
        "learner": {"learner.key", "learner.key_secret", "actor.key"},
        "actor": {"actor.key", "actor.key_secret", "learner.key"},
    }
    assert {path.name for path in folder.iterdir()} == {"learner", "actor"}
    for side in held:
        assert stat.S_IMODE((folder / side / f"{side}.key_secret").stat().st_mode) == 0o600


def test_keys_are_never_overwritten(folder: Path) -> None:
    with pytest.raises(ValueError, match="already holds keys"):
        create_keys(folder)
    public = (folder / "learner/learner.key").read_bytes()
    for path in (*(folder / "actor").iterdir(), folder / "learner/learner.key_secret", folder / "learner/actor.key"):
        path.unlink()
    with pytest.raises(ValueError, match="already holds keys"):
        create_keys(folder)
    assert (folder / "learner/learner.key").read_bytes() == public


def test_older_keys_in_one_folder_still_load(folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    for side in ("learner", "actor"):
        shutil.copytree(folder / side, before, dirs_exist_ok=True)
    assert load_server_keys(before) == load_server_keys(folder / "learner")
    assert load_client_keys(before) == load_client_keys(folder / "actor")
    with pytest.raises(ValueError, match="already holds keys"):
        create_keys(before)


def test_the_command_makes_keys_that_work_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "new" / "keys"
    assert app.main(["link-keys", str(made)]) == 0
    said = capsys.readouterr()
    for side in ("learner", "actor"):
        assert f"--link.keys {made / side}" in said.out
    assert said.err == ""
    for server, client in (
        (load_server_keys(made / "learner"), load_client_keys(made / "actor")),
        (load_server_keys(made), load_client_keys(made)),
    ):
        assert client.server == server.public
        assert server.allowed == (client.public,)
    before = {path: path.read_bytes() for path in made.rglob("*.key*")}
    for folder in (made, made / "actor" / "actor.key"):  # one holds keys, the other is no folder
        with pytest.raises(SystemExit) as ended:
            app.main(["link-keys", str(folder)])
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"hitl-clic: folder = {folder} is not allowed; ")
        assert said.err.count("\n") == 1
    assert {path: path.read_bytes() for path in made.rglob("*.key*")} == before


def test_a_folder_that_cannot_be_written_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr("hitl_clic.cli.link_keys.create_keys", full)
    assert app.main(["link-keys", str(tmp_path / "keys")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "No space left" in said.err


def test_missing_keys_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"learner\.key_secret cannot be read"):
        load_server_keys(tmp_path)
    (folder / "learner/actor.key").unlink()
    with pytest.raises(ValueError, match="no actor's public key"):
        load_server_keys(folder / "learner")
    (folder / "actor/learner.key").write_text("nonsense")
    with pytest.raises(ValueError, match=r"learner\.key cannot be read"):
        load_client_keys(folder / "actor")
    with pytest.raises(ValueError, match=r"learner\.key_secret"):
        LearnerLink("tcp://127.0.0.1:*", None, LINK.model_copy(update={"keys": tmp_path}))


def test_the_folder_of_the_other_side_is_named(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    for load, wrong, right in ((load_client_keys, "learner", "actor"), (load_server_keys, "actor", "learner")):
        with pytest.raises(UserError, match=f"is the {wrong}'s folder; the {right} needs its own.*{right}"):
            load(tmp_path / "keys" / wrong)
