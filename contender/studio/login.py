"""The page that asks for the token. It is sent in a form and kept signed, never in an address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contender.studio.access import SIGNED_IN, Access, read_form
from contender.studio.rendering import render


async def page(request: Request) -> Response:
    access: Access = request.app.state.access
    if not access.token:
        return RedirectResponse("/", 303)
    wrong = False
    if request.method == "POST":
        form = await read_form(request)
        if access.opens(str(form.get("token", ""))):
            request.session[SIGNED_IN] = True
            return RedirectResponse("/", 303)
        wrong = True
    return render(request, "login.html", status_code=403 if wrong else 200, wrong=wrong)
