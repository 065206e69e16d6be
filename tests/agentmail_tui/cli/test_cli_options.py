import pytest

from agentmail_tui.cli.options import USAGE_ERROR, parse


def test_bare_call_is_the_tui() -> None:
    command = parse([])
    assert command.name is None
    assert not command.connection.demo


@pytest.mark.parametrize(
    "argv",
    [
        ["--demo", "threads", "--json"],
        ["threads", "--demo", "--json"],
    ],
)
def test_connection_options_stand_before_or_after_the_command(argv: list[str]) -> None:
    command = parse(argv)
    assert (command.name, command.connection.demo, command.arguments.json) == (
        "threads",
        True,
        True,
    )


def test_shot_reads_its_size() -> None:
    command = parse(["shot", "--demo", "--size", "80x24", "--press", "j,j,enter"])
    assert command.arguments.size == (80, 24)
    assert command.arguments.timeout == 20.0


@pytest.mark.parametrize(
    "argv",
    [
        ["shot", "--size", "80"],
        ["shot", "--timeout", "soon"],
        ["threads", "--limit", "0"],
        ["status", "conv_1", "shut"],
        ["assign", "conv_1"],
        ["--backend", "imap"],
        ["no-such-command"],
    ],
)
def test_mistakes_have_a_code_of_their_own(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == USAGE_ERROR
    said = capsys.readouterr()
    assert said.out == ""
    assert "agentmail-tui" in said.err


def test_help_offers_the_backends_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    told = capsys.readouterr().out
    assert "--demo" in told
    assert "--backend {commune,agnic}" in told
    assert "AGNIC_TOKEN" in told
