package main

//go:generate sh internal/tools/gen-components.sh
//go:generate go run ./internal/tools/gendocs
//go:generate go run ./internal/tools/gendashboards
