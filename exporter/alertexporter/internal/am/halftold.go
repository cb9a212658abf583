package am

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/notify"
)

// somebody stands in the notification log for alerts that were told in part, or
// perhaps. It is no alert's hash, so that what fires is due as before.
const somebody = 1

// confess writes into the notification log that a part of a group was told, or
// perhaps was, where a channel's progress says so and the log knows of nothing that
// fires.
//
// Alertmanager tells the end of a group to whom it has told the beginning, and to
// its log a notification was delivered as a whole or not at all. So when a
// destination takes some alerts of a group, fails with the rest, and all of them
// end before the next attempt, nobody would hear of the end. With the entry the end
// is due; the channel, which knows whom it has told, tells it for exactly those.
func (e *Engine) confess(ctx context.Context) error {
	group, ok := notify.GroupKey(ctx)
	if !ok {
		return nil
	}
	receiver, _ := notify.ReceiverName(ctx)
	repeat, _ := notify.RepeatInterval(ctx)
	var errs []error
	for i := range e.receivers[receiver] {
		n := &e.receivers[receiver][i]
		key := groupKey(n.Name(), n.Index(), receiver, group)
		if len(progressOf(e.keeper, key)) == 0 {
			continue
		}
		rcv := &nflogpb.Receiver{GroupName: receiver, Integration: n.Name(), Idx: uint32(n.Index())}
		entries, err := e.nflog.Query(nflog.QGroupKey(group), nflog.QReceiver(rcv))
		if err != nil && !errors.Is(err, nflog.ErrNotFound) {
			errs = append(errs, err)
			continue
		}
		if len(entries) > 0 && len(entries[0].GetFiringAlerts()) > 0 {
			continue // the end is due anyhow
		}
		e.halves.add(key)
		err = e.nflog.Log(rcv, group, []uint64{somebody}, nil, nflog.NewStore(nil), 2*repeat)
		e.halves.remove(key)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s/%s: %w", receiver, n, err))
		}
	}
	return errors.Join(errs...)
}

// halves are the entries under way to the notification log that do not end a
// notification: the progress of these stays.
type halves struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (h *halves) add(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys == nil {
		h.keys = map[string]bool{}
	}
	h.keys[key] = true
}

func (h *halves) remove(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.keys, key)
}

func (h *halves) has(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[key]
}
