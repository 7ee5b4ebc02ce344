"""Roles: who signs as what, what it shows and where (NĐ 30/2020/NĐ-CP, Annex I); each one a TOML file."""
