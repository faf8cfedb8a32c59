"""The first run: invented members, real servers, a printed report."""
