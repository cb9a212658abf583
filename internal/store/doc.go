// Package store keeps the state of Driftmeter in one directory, on Pebble.
//
// It knows keys, bytes and transactions. What a profile, a reference or a log
// entry means is the business of its callers: their values are opaque here.
// One file holds one family of keys: its key, its value, its writers on [Tx]
// and its readers on [Store].
//
// What is written together is put into one [Tx] and appears together or not at
// all, whenever the process or the power goes away. [Tx.Commit] with [Sync]
// returns when the transaction is on stable storage. Commits that wait at the
// same time share one sync.
//
// # When the disk fails
//
// A commit that meets a disk without room is refused with [DiskFullError]
// before anything is written. When a write fails nevertheless, the store stops
// touching its directory, every call answers with [FailedError], and the next
// call that finds no other under way opens the directory again, exactly as
// after a crash. So a store works again when there is room, without a restart.
// A transaction whose Commit returned an error may then be there or not, like
// one that was under way at a crash, and what was committed with [NoSync] may
// be gone: whoever keeps such facts in memory too compares [Store.Generation]
// with the one it knows, and reads them again when it has changed.
//
// Bytes, versions and the states that a crash can leave: docs/formats/store.md.
package store
