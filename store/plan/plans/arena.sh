#!/bin/sh
# Makes arena.json: a bowl with about 20,000 seats in two tiers around a field.
# Its sides are straight; its corners are arcs around the corners of a smaller
# rectangle, cut into wedges that are as wide as their rows need.
awk 'BEGIN {
	a = 26; b = 11 # half the sides of that rectangle
	printf "--name \"Riverside Arena\" --stage 56x26 --stage-name Field --round"
	tier(100, 8, 24, 5, 45, 1, "Lower tier", 85)
	tier(200, 44, 28, 15, 22.5, 0.5, "Upper corners", 35)
}
function tier(number, r, rows, seats, wedge, grow, corners, price,   side, t, i) {
	first = number == 100
	for (side = 0; side < 4; side++) {
		t = side * 90
		long = side % 2 == 0
		n = long ? 4 : 2
		for (i = 0; i < n; i++) {
			block(++number, rows, long ? 12 : 10, t, r + (long ? b : a), (i - (n - 1) / 2) * (long ? 13 : 11))
			printf " --category \"%s\" --price %.2f", first && long ? "Courtside" : first ? "Lower tier" : "Upper sides", first && long ? 125 : first ? 85 : 55
			if (first) printf " --wheelchair 24:1-2 --companion 24:3-4"
		}
		for (i = t + wedge / 2; i < t + 90; i += wedge) {
			x = side < 2 ? a : -a
			y = side == 0 || side == 3 ? b : -b
			angle = i * atan2(0, -1) / 180
			block(++number, rows, seats, i, r + x * sin(angle) + y * cos(angle), x * cos(angle) - y * sin(angle))
			printf " --radius %g --grow %g --category \"%s\" --price %.2f", r, grow, corners, price
		}
	}
}
function block(number, rows, seats, turn, distance, shift) {
	printf "\n--section \"Block %d\" --first-row 1 --rows %d --seats %d --depth 1.28 --turn %g --distance %.3f --shift %.3f", number, rows, seats, turn, distance, shift
}' | xargs "${SEATLOCK:-seatlock}" generate
