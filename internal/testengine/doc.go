// Package testengine finds and starts the programs that tests need besides
// Seatlock. If one is missing, the test fails and says what to install: it never
// skips. A program ends with the test that started it; a shared one ends with the
// test process, even if that is killed.
package testengine
