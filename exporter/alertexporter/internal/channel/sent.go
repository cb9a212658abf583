package channel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// sent remembers what a destination that takes alerts one by one has taken.
// Alertmanager knows of groups only: when one alert joins, the group is due as a
// whole, and after a failure half way it is due again as a whole.
//
// What is remembered stands in the group's entry of the notification log, which
// is durable; of a group that is half sent, in memory.
type sent struct {
	mu   sync.Mutex
	part map[notify.Key]map[string]string // alert id → token, of groups that are half sent
}

// A delivery is what of a group is due.
type delivery struct {
	due   []alert.Alert
	token map[string]string // of those that are due: names this statement about the alert
	s     *sent
	key   notify.Key
	store *nflog.Store
	round int64
}

// Keys in the group's entry of the notification log.
const (
	tokenKey = "alert/" // + alert id
	roundKey = "round"
)

// due returns what of a group the destination has not taken.
func (s *sent) due(ctx context.Context, g *group) delivery {
	d := delivery{token: map[string]string{}, s: s, key: g.key}
	var ok bool
	if d.store, ok = notify.NflogStore(ctx); !ok {
		d.store = nflog.NewStore(nil)
	}
	d.round, _ = d.store.GetInt(roundKey)
	again := g.reason == notify.ReasonRepeatIntervalElapsed
	if again {
		d.round++
	}
	s.mu.Lock()
	part := maps.Clone(s.part[g.key])
	s.mu.Unlock()
	for _, a := range g.alerts {
		t := token(&a, d.round)
		before, known := d.store.GetStr(tokenKey + a.ID)
		if p, ok := part[a.ID]; ok {
			before, known = p, true
		}
		switch {
		case !known && !a.Firing() && g.reason != notify.ReasonUnknown:
			continue // it came and went unheard
		case known && before == t:
			continue
		case known && !again && run(before) == run(t):
			continue // only the round is another
		}
		d.due = append(d.due, a)
		d.token[a.ID] = t
	}
	return d
}

// taken notes that the destination has taken alerts.
func (d *delivery) taken(alerts ...alert.Alert) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.s.part == nil {
		d.s.part = map[notify.Key]map[string]string{}
	}
	if d.s.part[d.key] == nil {
		d.s.part[d.key] = map[string]string{}
	}
	for i := range alerts {
		d.s.part[d.key][alerts[i].ID] = d.token[alerts[i].ID]
	}
}

// done notes that nothing of the group is due any more.
func (d *delivery) done(g *group) {
	d.s.mu.Lock()
	part := d.s.part[d.key]
	delete(d.s.part, d.key)
	d.s.mu.Unlock()
	d.store.SetInt(roundKey, d.round)
	for id, t := range part {
		d.store.SetStr(tokenKey+id, t)
	}
	for i := range g.alerts {
		if a := &g.alerts[i]; !a.Firing() {
			d.store.Delete(tokenKey + a.ID) // it will not be heard of again
		}
	}
}

// id names a statement in a way that is the same however often it is sent, so
// that whoever gets it twice can tell.
func (d *delivery) id(g *group, a *alert.Alert) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{g.receiver, string(g.key), a.ID, d.token[a.ID]}, "\x00")))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// token names a statement about an alert: state, run and round.
func token(a *alert.Alert, round int64) string {
	return fmt.Sprintf("%s %s %s", a.State, a.Started.UTC().Format(time.RFC3339Nano), strconv.FormatInt(round, 10))
}

// run is a token without the round.
func run(token string) string {
	return token[:max(0, strings.LastIndexByte(token, ' '))]
}
