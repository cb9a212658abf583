package expr

import "slices"

// Nearest returns that of some names which differs least from name, the first by
// alphabet of equal ones; ok is false if none is near enough to be a slip.
func Nearest(name string, known []string) (nearest string, ok bool) {
	best := 1 + min(2, max(len(name)/3, 1))
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(name, k); d < best {
			nearest, best, ok = k, d, true
		}
	}
	return nearest, ok
}

// distance counts the characters to add, leave out or change that make b of a
// (Levenshtein).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j, q := range t {
			change := diagonal
			if r != q {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(t)]
}
