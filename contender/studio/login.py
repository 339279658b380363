"""The page that asks for the token. It is sent in a form and kept signed, never in an address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contender.studio.access import SIGNED_IN, Access
from contender.studio.rendering import render


async def page(request: Request) -> Response:
    access: Access = request.app.state.access
    wrong = False
    if request.method == "POST":
        form = await request.form()
        if access.opens(str(form.get("token", ""))):
            request.session[SIGNED_IN] = True
            return RedirectResponse("/", 303)
        wrong = True
    return render(request, "login.html", status_code=403 if wrong else 200, wrong=wrong)
