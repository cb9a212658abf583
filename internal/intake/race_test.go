//go:build race

package intake_test

// thin is every which write fails: under the race detector a run takes ten times
// as long, and what it looks for is in every run.
const thin = 8
