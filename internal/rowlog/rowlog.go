// Package rowlog makes the prediction log of rows that come from outside: of the
// bodies of requests, and of the messages of a queue. What a row is, a mapping says;
// what cannot be used is told row by row, and the rest is kept.
package rowlog
