"""The search box: a service for what a query needs while it is typed, and the element that asks it."""

from __future__ import annotations

from pqlang.searchbox.app import create_app

__all__ = ["create_app"]
