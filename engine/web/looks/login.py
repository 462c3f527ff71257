"""The page for who is not logged in, and the sentence of whatever was refused."""

from engine.app.config.web import TOKEN_VARIABLE
from engine.web.looks.html import NOTHING, Html, html
from engine.web.looks.layout import bare


def login(sentence: str = "") -> Html:
    """The token, please."""
    told = html('<p class="error" role="alert">✕ {}</p>', sentence) if sentence else NOTHING
    body = html(
        '{}<form method="post" action="/login" id="login"><div class="field"><label for="token">Token</label>'
        '<input id="token" name="token" type="password" required autocomplete="current-password" autofocus></div>'
        '<button type="submit" class="go">Log in</button></form>'
        '<p class="note">It is the end of the address that the session told when it started, or what {} holds.</p>',
        told, TOKEN_VARIABLE,
    )  # fmt: skip
    return bare("Log in", body, ("login.js",))


def refusal(title: str, sentence: str) -> Html:
    """Why something was not done."""
    return bare(
        title, html('<p class="error" role="alert">✕ {}</p><p><a href="/">Back to the overview</a></p>', sentence)
    )
