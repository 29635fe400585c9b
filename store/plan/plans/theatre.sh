#!/bin/sh
# Makes theatre.json: an old house with 1,301 seats. All rows bend around one
# point, 22 seats behind the front of the stage.
exec "${SEATLOCK:-seatlock}" generate --name "Theatre Royal" --stage 18x5 \
	--section "Stalls" --rows 7 --seats 24 --grow 1 --radius 26 --distance 4 --aisle 8,16 \
	--category "Premium" --price 68.00 \
	--section "Stalls" --rows 9 --seats 31 --grow 1 --radius 33.7 --aisle 11,19 --first-row H \
	--category "Standard" --price 52.00 --wheelchair P:1-2,P:38-39 --companion P:3,P:37 \
	--section "Circle" --rows 8 --seats 44 --grow 1 --radius 46.6 --distance 24.6 --aisle 12,22,32 \
	--category "Standard" --wheelchair H:1-2 --companion H:3 \
	--section "Upper circle" --rows 7 --seats 52 --grow 1 --radius 57.4 --distance 35.4 --aisle 13,26,39 \
	--category "Value" --price 29.00 --restricted A:1-4,A:49-52,B:1-3,B:51-53 \
	--section "Boxes left" --rows 2 --seats 8 --aisle 4 --turn -90 --distance 21 --shift 7 \
	--category "Box" --price 84.00 --restricted B:1-8 \
	--section "Boxes right" --rows 2 --seats 8 --aisle 4 --turn 90 --distance 21 --shift -7 \
	--category "Box" --restricted B:1-8
