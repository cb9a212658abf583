package main

//go:generate sh internal/tools/gen-components.sh
