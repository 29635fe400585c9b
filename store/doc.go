// Package store is Seatlock's domain: what an event, a seat and a lock are,
// the pure rules that decide about them, the errors a caller may meet, and the
// contract that every storage engine fulfils (see [Engine]).
//
// The rule that everything else leans on: a seat changes hands only by a
// decision that an engine writes over what it has read, all of it or nothing.
// What a decision says, a refusal too, is told no sooner than that.
package store
