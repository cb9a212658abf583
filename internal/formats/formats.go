// Package formats holds the messages of docs/formats/*.proto.
package formats

//go:generate go run ../tools/genproto -I ../../docs/formats -out . profile.proto
