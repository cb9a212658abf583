package intake

import "time"

// CheckpointAround is a Checkpoint during which something else happens: after
// what was held has been taken and saved, before sets are made into references.
func (in *Intake) CheckpointAround(now time.Time, meanwhile func()) error {
	in.checkpoint.Lock()
	defer in.checkpoint.Unlock()
	taken, waiting, through := in.take()
	if err := in.save(taken, through, now); err != nil {
		return err
	}
	meanwhile()
	_, err := in.settle(waiting, now)
	return err
}
