package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
)

// generating is the hall as far as flags have described it.
type generating struct {
	plan.Layout
	currency string
	prices   map[int]string // by the block that says it
}

const generateManual = `
The order of flags matters: those after a --section are for that section. A section
without --distance is placed behind the one before it. The same name again continues
the section, in another category for instance.

  seatlock generate --name "Town hall" --stage 12x3 \
    --section Stalls --rows 12 --seats 18 --grow 1 --curve 30 --aisle 6,12 \
      --category standard --price 45.00 --wheelchair A:1-2 --companion A:3 \
    --section Balcony --rows 4 --seats 30 --curve 40 --category balcony --price 28.00
`

func (g *generating) flags() *flag.FlagSet {
	f := newFlags()
	f.StringVar(&g.Name, "name", "", "`NAME` of the hall")
	f.StringVar(&g.currency, "currency", "EUR", "ISO 4217 `CODE` of the currency of the prices")
	f.Func("stage", "`WIDTHxDEPTH` of the stage, in seats", g.stage)
	f.StringVar(&g.Stage.Label, "stage-name", "", "`TEXT` on the stage; the default is Stage")
	f.BoolVar(&g.Round, "round", false, "the audience sits around the stage: distances count from its middle, not its front")

	f.Func("section", "begin a section with this `NAME`", g.section)
	g.number(f, "rows", "`N` rows in the section", func(b *plan.Block) *int { return &b.Rows })
	g.number(f, "seats", "`N` seats in its first row", func(b *plan.Block) *int { return &b.Seats })
	g.length(f, "grow", "`N` seats more in each row than in the one before it; 0.5 adds one every second row", func(b *plan.Block) *float64 { return &b.Grow })
	g.number(f, "first-seat", "`NUMBER` of each row's first seat; the default is 1", func(b *plan.Block) *int { return &b.FirstSeat })
	g.text(f, "first-row", "`LABEL` of the first row, a letter or a number; the default is A", func(b *plan.Block) *string { return &b.FirstRow })
	g.length(f, "curve", "how far the first row bends, in `DEGREES`", func(b *plan.Block) *float64 { return &b.Arc })
	g.length(f, "radius", "the same, as the `RADIUS` of the first row's circle, in seats", func(b *plan.Block) *float64 { return &b.Radius })
	g.length(f, "depth", "`DISTANCE` between rows, in seats; the default is 1.1", func(b *plan.Block) *float64 { return &b.Depth })
	g.length(f, "distance", "`DISTANCE` of the first row from the stage, in seats", func(b *plan.Block) *float64 { return &b.Distance })
	g.length(f, "shift", "`DISTANCE` by which the section is moved to the right on the plan, in seats", func(b *plan.Block) *float64 { return &b.Shift })
	g.length(f, "turn", "`DEGREES` by which the section is turned about the stage, to the right", func(b *plan.Block) *float64 { return &b.Turn })
	g.onBlock(f, "aisle", "aisles, by the numbers of `SEATS` of the first row before them: 6,12", aisles)
	g.text(f, "category", "price `CATEGORY` of the section; the default is that of the one before it", func(b *plan.Block) *string { return &b.Category })
	g.onBlock(f, "price", "`AMOUNT` that the category costs, with the decimals of the currency: 45.00", g.price)
	for name, property := range map[string]plan.Property{"wheelchair": plan.Accessible, "companion": plan.Companion, "restricted": plan.Restricted} {
		g.onBlock(f, name, "`SEATS` that are "+string(property)+": A:1-2,B:7", func(b *plan.Block, text string) error { return mark(b, property, text) })
	}
	return f
}

// generatePlan writes the plan of a hall that was described in numbers.
func generatePlan(_ context.Context, args []string, _ func(string) string, stdout, _ io.Writer) error {
	var g generating
	rest, err := parse(g.flags(), args, func(string) string { return "" })
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q: generate writes to stdout", rest[0])}
	case len(g.Blocks) == 0:
		return usageError{errors.New("generate wants a --section")}
	}
	if err := g.applyPrices(); err != nil {
		return err
	}
	if g.Stage.Width > 0 && g.Stage.Label == "" {
		g.Stage.Label = "Stage"
	}
	file, err := plan.Generate(g.Layout)
	if err != nil {
		return usageError{err}
	}
	var out bytes.Buffer
	if err := file.WriteJSON(&out); err != nil {
		return err
	}
	_, err = out.WriteTo(stdout)
	return err
}

func (g *generating) stage(text string) error {
	width, depth, found := strings.Cut(text, "x")
	var err error
	if g.Stage.Width, err = number(width); err == nil && found {
		g.Stage.Height, err = number(depth)
	}
	if err != nil || !found {
		return errors.New("want a width and a depth, such as 12x3")
	}
	return nil
}

// section begins a block behind the previous one, with a gap to walk in if it
// is another section.
func (g *generating) section(name string) error {
	b := plan.Block{Section: name, Category: "standard", Distance: 3}
	if n := len(g.Blocks); n > 0 {
		last := g.Blocks[n-1]
		b.Category, b.Distance = last.Category, last.Back()
		if last.Section != name {
			b.Distance++
		}
	}
	g.Blocks = append(g.Blocks, b)
	return nil
}

// onBlock adds a flag for the section that was begun last.
func (g *generating) onBlock(f *flag.FlagSet, name, usage string, set func(*plan.Block, string) error) {
	f.Func(name, usage, func(text string) error {
		if len(g.Blocks) == 0 {
			return errors.New("it comes after the --section that it is of")
		}
		return set(&g.Blocks[len(g.Blocks)-1], text)
	})
}

func (g *generating) text(f *flag.FlagSet, name, usage string, of func(*plan.Block) *string) {
	g.onBlock(f, name, usage, func(b *plan.Block, text string) error {
		*of(b) = text
		return nil
	})
}

func (g *generating) number(f *flag.FlagSet, name, usage string, of func(*plan.Block) *int) {
	g.onBlock(f, name, usage, func(b *plan.Block, text string) (err error) {
		if *of(b), err = strconv.Atoi(text); err != nil {
			return errors.New("want a whole number")
		}
		return nil
	})
}

func (g *generating) length(f *flag.FlagSet, name, usage string, of func(*plan.Block) *float64) {
	g.onBlock(f, name, usage, func(b *plan.Block, text string) (err error) {
		*of(b), err = number(text)
		return err
	})
}

func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errors.New("want a number")
	}
	return n, nil
}

func aisles(b *plan.Block, text string) error {
	for _, part := range strings.Split(text, ",") {
		seat, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || seat < 1 {
			return errors.New("want numbers of seats, such as 6,12")
		}
		b.Aisles = append(b.Aisles, seat)
	}
	return nil
}

// price keeps the text: the currency may come later.
func (g *generating) price(_ *plan.Block, text string) error {
	if !isAmount(text) {
		return errors.New("want an amount, such as 45.00")
	}
	if g.prices == nil {
		g.prices = map[int]string{}
	}
	g.prices[len(g.Blocks)-1] = text
	return nil
}

// applyPrices reads the prices of the blocks, in the currency.
func (g *generating) applyPrices() error {
	if _, active := store.CurrencyDecimals(g.currency); !active {
		return wrong("currency", g.currency, "the code of an active currency of ISO 4217, such as EUR")
	}
	for i := range g.Blocks {
		text, said := g.prices[i]
		if !said {
			continue
		}
		units, err := amountIn(g.currency, text)
		if err != nil {
			return usageError{fmt.Errorf("--price %w", err)}
		}
		g.Blocks[i].Price = &units
	}
	return nil
}

// mark reads seats such as A:1-2,B:7.
func mark(b *plan.Block, property plan.Property, text string) error {
	for _, part := range strings.Split(text, ",") {
		row, numbers, found := strings.Cut(strings.TrimSpace(part), ":")
		from, to, isRange := strings.Cut(numbers, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if !found || errors.Join(err, err2) != nil {
			return errors.New("want rows and seats, such as A:1-2,B:7")
		}
		b.Marks = append(b.Marks, plan.Mark{Property: property, Row: row, From: first, To: last})
	}
	return nil
}
