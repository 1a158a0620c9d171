"""Choices that several forms share."""

ANY = ("", "any")
