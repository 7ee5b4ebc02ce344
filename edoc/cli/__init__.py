"""The command line: parse, call, render. One file per noun; stdout is data, stderr is talk."""
