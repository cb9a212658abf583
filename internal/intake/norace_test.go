//go:build !race

package intake_test

const thin = 1
