// Package checkout takes the money for bookings. It computes what a visitor is
// to pay, begins bookings, and reconciles what the store has recorded with what
// the providers say, until everything is final. It decides nothing about seats:
// package store does.
package checkout
