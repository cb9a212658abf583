package lenient

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns the known key that is most like key, none if all are far from it.
func nearest(key string, known []string) string {
	slices.Sort(known)
	best, least := "", len(key)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(key), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// suggestion names the key that was probably meant, or all when none was.
func suggestion(best string, known []string) string {
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "known are " + strings.Join(known, ", ")
}

// distance counts the letters to insert, delete or replace (Levenshtein 1966); two
// neighbours that changed places count once (Damerau 1964).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
