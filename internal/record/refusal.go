package record

import "fmt"

// Refusal is why one record, or a part of it, cannot be used. The rest of the
// batch goes on; refusals are counted under Reason.
type Refusal struct {
	Reason Reason
	// Key is the offending key as the sender wrote it, if there is one.
	Key string
	// Detail says what was found and what would be right.
	Detail string
}

// Error returns a sentence for people.
func (r Refusal) Error() string {
	if r.Key == "" {
		return fmt.Sprintf("%s: %s", r.Reason, r.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", r.Reason, r.Key, r.Detail)
}

// Reason is the stable word under which a refusal is counted. Words never change.
type Reason uint8

// The reasons, in the order of the pipeline.
const (
	NotAPrediction    Reason = iota // an event that is none of ours
	NoModel                         // neither ml.model.name nor service.name
	NoGroups                        // no field in any group
	BadType                         // a contract attribute of the wrong type
	TooManyFields                   // more fields than the limit; the rest is left out
	TooDeep                         // nested deeper than a field may be
	TooLarge                        // a name or record over its size limit
	UnknownModel                    // not defined, and auto_register is off
	TooManyModels                   // the limit of models is reached
	TooManyVersions                 // the limit of versions of the model is reached
	TooLate                         // older than retention
	TooEarly                        // further in the future than clocks may differ
	Repeated                        // a batch or a profile that was counted before
	UnknownField                    // a field the version's reference does not have
	ReferenceFull                   // the limit of reference rows is reached
	ReferenceExists                 // the version has a reference from its configuration
	LabelWithoutJoin                // ml.actual without groundtruth in the pipeline
	Corrupt                         // a profile that cannot be decoded
	UnusableReference               // the version's reference cannot be read, or its definition does not fit it
	reasons
)

var reasonWords = [reasons]string{
	"not_a_prediction", "no_model", "no_groups", "bad_type", "too_many_fields", "too_deep", "too_large",
	"unknown_model", "too_many_models", "too_many_versions", "too_late", "too_early", "duplicate",
	"unknown_field", "reference_full", "reference_exists", "label_without_join", "corrupt", "unusable_reference",
}

// String returns the stable word.
func (r Reason) String() string {
	if r < reasons {
		return reasonWords[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Reasons returns all reasons.
func Reasons() []Reason {
	rs := make([]Reason, reasons)
	for i := range rs {
		rs[i] = Reason(i)
	}
	return rs
}
