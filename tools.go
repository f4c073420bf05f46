//go:build generate || tools

// Package tools holds the directive that generates this module's code. Its build tag keeps
// it out of builds; go generate sees it. Tools that the checks of the Makefile run are
// pinned there.
package tools

//go:generate go run ./cmd/gen code
