"""Pure decisions and values: no clock, no disk, no network, standard library only."""
