package store

import "fmt"

// family is what the tools need to know of a family.
type family struct {
	id   Family
	name string // in reports
	// text says a key for people. check takes a key and its value apart; a value
	// that belongs to others is left to their Validator.
	text  func(key []byte) (string, error)
	check func(c *recordCheck, key, value []byte) error
}

// families in the order of their keys. It is set by init, since what reads keys
// names their family in its errors.
var families []family

func init() {
	families = []family{
		{FamilyMeta, "meta", metaText, checkMeta},
		{FamilyLog, "log", logText, checkLogEntry},
		{FamilyBatch, "batches", batchText, checkBatch},
		{FamilyBatchTime, "batches by time", batchTimeText, checkBatchTime},
		{FamilyPending, "pending", pendingText, checkKey(pendingText)},
		{FamilyOutbox, "outbox", parcelText, checkParcel},
		{FamilyReference, "references", referenceText, checkKey(referenceText)},
		{FamilyLayout, "layouts", nameText(FamilyLayout), checkKey(nameText(FamilyLayout))},
		{FamilyProfile, "profiles", windowText(FamilyProfile), checkKey(windowText(FamilyProfile))},
		{FamilyDirty, "dirty", windowText(FamilyDirty), checkDirty},
		{FamilySeen, "seen", seenText, checkSeen},
		{FamilyVersion, "versions", versionText, checkVersion},
		{FamilyState, "states", nameText(FamilyState), checkKey(nameText(FamilyState))},
		{FamilyAwaited, "awaited", awaitedText, checkKey(awaitedText)},
		{FamilyDue, "due", dueText, checkDue},
		{FamilyName, "names", numberText, checkKey(numberText)},
		{FamilyTally, "tallies", nameText(FamilyTally), checkTally},
		{FamilyJoined, "joined", joinedText, checkJoined},
	}
}

// familyOf returns what is known of a family, nil when it is unknown.
func familyOf(f Family) *family {
	for i := range families {
		if families[i].id == f {
			return &families[i]
		}
	}
	return nil
}

// String is the family's name in reports.
func (f Family) String() string {
	if known := familyOf(f); known != nil {
		return known.name
	}
	return fmt.Sprintf("family %#02x", byte(f))
}
