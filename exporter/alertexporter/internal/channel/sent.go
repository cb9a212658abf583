package channel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"

	"github.com/driftmeter/driftmeter/internal/alert"
)

// A delivery is what of a group is due at a destination that takes alerts one by
// one. Alertmanager knows of groups only: when one alert joins, the group is due as
// a whole, and after a failure half way it is due again as a whole.
//
// What was taken stands in the group's entry of the notification log; of a group
// that is half sent, in its progress.
type delivery struct {
	due      []alert.Alert
	token    map[string]string // of those that are due: names this statement about the alert
	progress Progress
	store    *nflog.Store
	round    int64
}

// Keys in the group's entry of the notification log.
const (
	tokenKey = "alert/" // + alert id
	roundKey = "round"
)

// perhapsKey begins, in the progress, what was sent and not answered: it may have
// been taken. It is sent again, under the same id; and its end is told.
const perhapsKey = "perhaps/" // + alert id; alone, of a group that is told as a whole

// due returns what of a group the destination has not taken.
func due(ctx context.Context, g *group) delivery {
	d := delivery{token: map[string]string{}, progress: progress(ctx), store: storeOf(ctx)}
	d.round, _ = d.store.GetInt(roundKey)
	again := g.reason == notify.ReasonRepeatIntervalElapsed
	if again {
		d.round++
	}
	part := d.progress.Values()
	for _, a := range g.alerts {
		t := token(&a, d.round)
		before, known := d.store.GetStr(tokenKey + a.ID)
		if p, ok := part[tokenKey+a.ID]; ok {
			before, known = p, true
		}
		switch {
		case !known && !a.Firing() && g.reason != notify.ReasonUnknown && part[perhapsKey+a.ID] == "":
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
	changes := map[string]string{}
	for i := range alerts {
		changes[tokenKey+alerts[i].ID] = d.token[alerts[i].ID]
		changes[perhapsKey+alerts[i].ID] = ""
	}
	d.progress.Set(changes)
}

// failed notes that the destination may have taken alerts though it did not say so.
func (d *delivery) failed(a answer, alerts ...alert.Alert) {
	if !a.unsure() {
		return
	}
	changes := map[string]string{}
	for i := range alerts {
		if alerts[i].Firing() {
			changes[perhapsKey+alerts[i].ID] = "1"
		}
	}
	d.progress.Set(changes)
}

// whole notes the same of a destination that is told the group at once.
func whole(ctx context.Context, g *group, a answer) {
	if a.unsure() && g.firing > 0 {
		progress(ctx).Set(map[string]string{perhapsKey: "1"})
	}
}

// done notes that nothing of the group is due any more.
func (d *delivery) done(g *group) {
	d.store.SetInt(roundKey, d.round)
	for key, t := range d.progress.Values() {
		if strings.HasPrefix(key, tokenKey) {
			d.store.SetStr(key, t)
		}
	}
	for i := range g.alerts {
		if a := &g.alerts[i]; !a.Firing() {
			d.store.Delete(tokenKey + a.ID) // it will not be heard of again
		}
	}
}

// storeOf is what the group's entry of the notification log has of a channel.
func storeOf(ctx context.Context) *nflog.Store {
	if s, ok := notify.NflogStore(ctx); ok {
		return s
	}
	return nflog.NewStore(nil)
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
