package intake

import "time"

// CheckpointAround is a Checkpoint during which something else happens: after
// what was held has been taken, and after it has been saved, before sets are made
// into references.
func (in *Intake) CheckpointAround(now time.Time, taken, saved func()) error {
	in.checkpoint.Lock()
	defer in.checkpoint.Unlock()
	t, err := in.take(now)
	if err != nil {
		return err
	}
	taken()
	if err := in.save(t, now); err != nil {
		in.giveBack(t.holding)
		return err
	}
	saved()
	_, err = in.settle(t.waiting, now)
	return err
}
