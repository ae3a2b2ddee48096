import pytest

from millwright.parties.oidc.paths import local_path


@pytest.mark.parametrize("path", ["/", "/devices", "/devices/dev_1?tab=trend#x", "/account/security"])
def test_a_path_of_the_console_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5cevil.example",
        "/%5Cevil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "/a\r\nSet-Cookie: x=y",
        "/a\tb",
        "/api/v1/session",
        "evil.example",
        "/é",
        "/" + "x" * 600,
    ],
)
def test_anything_else_leads_to_the_overview(path: str) -> None:
    assert local_path(path) == "/"
