// Package store is Seatlock's domain: what an event, a seat and a lock are,
// the pure rules that decide about them, the errors a caller may meet, and the
// contract that every storage engine fulfils (see [Store]).
//
// The rule that everything else leans on: a seat changes hands only by a
// conditional write that the engine makes atomic. A refusal may come from a
// read; a grant never does.
package store
