package am

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// Keeper keeps what must survive the process: alerts, notifications that were
// delivered, those that are half delivered, silences. It is a map of each kind, held in memory and in a storage
// client of the Collector.
//
// A storage client cannot list its keys. So a map is cut into buckets by the hash
// of its keys; a change writes the buckets that it touches, in one batch. Whether
// a batch is on disk when Put returns is the storage's promise: see its fsync.
type Keeper struct {
	client storage.Client

	mu    sync.Mutex
	kinds map[string]*[buckets]map[string][]byte
}

// Kinds of what is kept.
const (
	keptAlerts        = "alerts"
	keptNotifications = "notifications"
	keptSilences      = "silences"
	keptProgress      = "progress"
)

var kinds = []string{keptAlerts, keptNotifications, keptSilences, keptProgress}

// buckets of each kind. A thousand alerts of a kilobyte are 16 kB in a bucket,
// which is what a change of one of them writes.
const buckets = 64

// layout begins the keys. Another layout has another name.
const layout = "v1"

// OpenKeeper reads what is kept.
func OpenKeeper(ctx context.Context, client storage.Client) (*Keeper, error) {
	k := &Keeper{client: client, kinds: map[string]*[buckets]map[string][]byte{}}
	var ops []*storage.Operation
	for _, kind := range kinds {
		k.kinds[kind] = new([buckets]map[string][]byte)
		for i := range buckets {
			ops = append(ops, storage.GetOperation(bucketKey(kind, i)))
		}
	}
	if err := client.Batch(ctx, ops...); err != nil {
		return nil, fmt.Errorf("the state of alerts cannot be read: %w", err)
	}
	for i, op := range ops {
		if op.Value == nil {
			continue
		}
		if err := json.Unmarshal(op.Value, &k.kinds[kinds[i/buckets]][i%buckets]); err != nil {
			return nil, fmt.Errorf("the state of alerts is damaged: %s: %w; move it away to begin anew", op.Key, err)
		}
	}
	return k, nil
}

func bucketKey(kind string, i int) string { return fmt.Sprintf("%s/%s/%02x", layout, kind, i) }

func bucketOf(key string) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % buckets)
}

// Put changes values of a kind; nil deletes. All of it is kept, or none.
func (k *Keeper) Put(ctx context.Context, kind string, changes map[string][]byte) error {
	return k.putAll(ctx, map[string]map[string][]byte{kind: changes})
}

// putAll is Put for several kinds at once.
func (k *Keeper) putAll(ctx context.Context, changes map[string]map[string][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.put(ctx, changes)
}

// put is putAll, for those who hold the lock.
func (k *Keeper) put(ctx context.Context, changes map[string]map[string][]byte) error {
	next := k.after(changes)
	var ops []*storage.Operation
	for at, b := range next {
		if len(b) == 0 {
			if len(k.kinds[at.kind][at.i]) > 0 {
				ops = append(ops, storage.DeleteOperation(bucketKey(at.kind, at.i)))
			}
			continue
		}
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		ops = append(ops, storage.SetOperation(bucketKey(at.kind, at.i), text))
	}
	if len(ops) == 0 {
		return nil
	}
	if err := k.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("%s cannot be kept: %w", strings.Join(slices.Sorted(maps.Keys(changes)), " and "), err)
	}
	k.set(next)
	return nil
}

// bucket is one of a kind.
type bucket struct {
	kind string
	i    int
}

// after returns the buckets that changes touch, as they are afterwards.
func (k *Keeper) after(changes map[string]map[string][]byte) map[bucket]map[string][]byte {
	next := map[bucket]map[string][]byte{}
	for kind, values := range changes {
		for key, value := range values {
			at := bucket{kind, bucketOf(key)}
			b, ok := next[at]
			if !ok {
				if b = maps.Clone(k.kinds[kind][at.i]); b == nil {
					b = map[string][]byte{}
				}
				next[at] = b
			}
			if value == nil {
				delete(b, key)
			} else {
				b[key] = value
			}
		}
	}
	return next
}

func (k *Keeper) set(next map[bucket]map[string][]byte) {
	for at, b := range next {
		k.kinds[at.kind][at.i] = b
	}
}

// remember is Put of one value that stands in memory even when it cannot be kept.
func (k *Keeper) remember(kind, key string, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changes := map[string]map[string][]byte{kind: {key: value}}
	err := k.put(context.Background(), changes)
	k.set(k.after(changes))
	return err
}

// value returns a value, or nil. It must not be changed.
func (k *Keeper) value(kind, key string) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kinds[kind][bucketOf(key)][key]
}

// Values returns all values of a kind, by key. They must not be changed.
func (k *Keeper) Values(kind string) map[string][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string][]byte{}
	for _, b := range k.kinds[kind] {
		maps.Copy(all, b)
	}
	return all
}

// joined returns all values of a kind one after another, in the order of their keys.
func (k *Keeper) joined(kind string) []byte {
	all := k.Values(kind)
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(all)) {
		b = append(b, all[key]...)
	}
	return b
}

// forget deletes values that have not changed since.
func (k *Keeper) forget(ctx context.Context, kind string, old map[string][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	gone := map[string][]byte{}
	for key, value := range old {
		if bytes.Equal(k.kinds[kind][bucketOf(key)][key], value) {
			gone[key] = nil
		}
	}
	return k.put(ctx, map[string]map[string][]byte{kind: gone})
}

// Close closes the storage client.
func (k *Keeper) Close(ctx context.Context) error {
	if k == nil || k.client == nil {
		return nil
	}
	return k.client.Close(ctx)
}
