"""The one error for what cannot be done; its text is a sentence for the person who asked."""


class OdiaError(Exception):
    """It cannot be done, and the message says why and what to do instead."""


class NothingToDo(OdiaError):
    """It need not be done: it is under way already, or all of it is done."""
