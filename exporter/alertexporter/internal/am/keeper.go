package am

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// Keeper keeps what must survive the process: alerts, notifications that were
// delivered, silences. It is a map of each kind, held in memory and in a storage
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
)

// buckets of each kind. A thousand alerts of a kilobyte are 16 kB in a bucket,
// which is what a change of one of them writes.
const buckets = 64

// layout begins the keys. Another layout has another name.
const layout = "v1"

// OpenKeeper reads what is kept.
func OpenKeeper(ctx context.Context, client storage.Client) (*Keeper, error) {
	k := &Keeper{client: client, kinds: map[string]*[buckets]map[string][]byte{}}
	var ops []*storage.Operation
	names := []string{keptAlerts, keptNotifications, keptSilences}
	for _, kind := range names {
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
		if err := json.Unmarshal(op.Value, &k.kinds[names[i/buckets]][i%buckets]); err != nil {
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
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.put(ctx, kind, changes)
}

// put is Put, for those who hold the lock.
func (k *Keeper) put(ctx context.Context, kind string, changes map[string][]byte) error {
	if len(changes) == 0 {
		return nil
	}
	now := k.kinds[kind]
	next := map[int]map[string][]byte{}
	for key, value := range changes {
		i := bucketOf(key)
		b, ok := next[i]
		if !ok {
			if b = maps.Clone(now[i]); b == nil {
				b = map[string][]byte{}
			}
			next[i] = b
		}
		if value == nil {
			delete(b, key)
		} else {
			b[key] = value
		}
	}
	var ops []*storage.Operation
	for i, b := range next {
		if len(b) == 0 {
			ops = append(ops, storage.DeleteOperation(bucketKey(kind, i)))
			continue
		}
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		ops = append(ops, storage.SetOperation(bucketKey(kind, i), text))
	}
	if err := k.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("%s cannot be kept: %w", kind, err)
	}
	for i, b := range next {
		now[i] = b
	}
	return nil
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
	return k.put(ctx, kind, gone)
}

// Close closes the storage client.
func (k *Keeper) Close(ctx context.Context) error {
	if k == nil || k.client == nil {
		return nil
	}
	return k.client.Close(ctx)
}
