package model

import (
	"regexp"
	"slices"
	"strings"
)

// Placeholders are the words that a description may have in braces, each replaced
// by what the alert is about, or by nothing where it does not apply.
var Placeholders = []struct{ Name, What string }{
	{"monitor", "the monitor's name"},
	{"severity", "low, medium or high"},
	{"model", "the model's name; model_name and model_id are the same"},
	{"model_name", "the model's name"},
	{"model_id", "the model's name"},
	{"model_version", "the version, or all versions"},
	{"environment", "the environment that the definition of the model says, or all environments"},
	{"field", "the field's key, or the output's name"},
	{"importance", "the field's importance, as its definition says; nothing where it does not"},
	{"metric", "what was measured, such as psi or mean"},
	{"focal_value", "what was measured"},
	{"baseline_value", "what it was held against"},
	{"min_threshold", "the lower bound that the definition sets"},
	{"max_threshold", "the upper bound, the percentage, or the level of drift that the definition sets"},
	{"last_lower_bound", "the lower bound that was held"},
	{"last_upper_bound", "the upper bound that was held"},
	{"value_thresholds", "the bounds that were held, in words: between 1 and 2"},
	{"focal_time_period", "the length of the focal period: 1h"},
	{"focal_times", "its begin and end, UTC"},
	{"focal_segment", "the segment and its value: region EU; nothing for the whole"},
	{"baseline_time_period", "the length of the baseline, or training"},
	{"baseline_times", "its begin and end, UTC; nothing for a dataset"},
	{"baseline_segment", "the segment of the baseline and its value"},
	{"unexpected_values", "the new values, or those beyond the range"},
	{"last_deployment_time", "since when the version has been there, UTC"},
	{"time_threshold", "how old it may be"},
	{"drift_score", "the score of drift"},
	{"drift_score_text", "the score with its level: psi 0.41 above 0.2"},
	{"since", "the end of the first focal period in which it was so, UTC"},
	{"reason", "the condition that was met, in a fragment"},
}

// word is a placeholder in one pair of braces, or in two.
var word = regexp.MustCompile(`\{\{\s*([a-zA-Z_]+)\s*\}\}|\{([a-zA-Z_]+)\}`)

// Expand replaces the placeholders of a description by what value returns for
// their names. Braces around anything but a single word stay as they are.
func Expand(template string, value func(name string) string) string {
	return word.ReplaceAllStringFunc(template, func(found string) string {
		return value(strings.Trim(found, "{} \t\n\r\f\v"))
	})
}

// unknownPlaceholders returns the placeholders of a description that there are not.
func unknownPlaceholders(template string) (unknown []string) {
	Expand(template, func(name string) string {
		if !slices.ContainsFunc(Placeholders, func(p struct{ Name, What string }) bool { return p.Name == name }) {
			unknown = append(unknown, name)
		}
		return ""
	})
	return unknown
}
