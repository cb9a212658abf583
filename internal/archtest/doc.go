// Package archtest holds the rules about how the code hangs together that no
// compiler or linter knows, as tests: which package may import which, what pure
// code must not touch, that every package says what it is for, and that no file
// is silently left out of the build.
package archtest
