"""The one exception a visitor may see."""


class Problem(Exception):
    """Something the visitor can mend; its text is one sentence that says what to do instead.

    Raised wherever bad input is noticed; only ``shared.ui`` turns it into something on the page.
    """
