// Package testengine finds and starts the programs that tests need beside
// Seatlock itself. A test whose program is missing fails and says what to
// install: it never skips. Whatever is started ends with the test that asked
// for it; what tests share ends with their process, however that ends.
package testengine
