package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/views"
)

// pricing has the flags about prices.
type pricing struct {
	named []namedPrice
	free  bool // categories without a price are free
	yes   bool // accept prices that look like a mistake
}

// namedPrice is a category, by id or name, and an amount as it was written.
type namedPrice struct{ category, amount string }

func (p *pricing) flags(f *flag.FlagSet) {
	f.Func("price", "`CATEGORY=AMOUNT` by id or name, with the decimals of the currency: Standard=50.00; repeatable", p.add)
	f.BoolVar(&p.yes, "yes", false, "accept unusual prices: some whole numbers and some decimals, changed by more than half, or removed; and that tariffs are removed")
}

func (p *pricing) add(text string) error {
	i := strings.LastIndex(text, "=")
	if i < 1 || !isAmount(text[i+1:]) {
		return errors.New("want CATEGORY=AMOUNT, such as Standard=50.00")
	}
	p.named = append(p.named, namedPrice{text[:i], text[i+1:]})
	return nil
}

// isAmount reports whether text is an amount without a sign.
func isAmount(text string) bool {
	_, ok := store.ParseAmount(text)
	return ok && text[0] >= '0' && text[0] <= '9'
}

// amountIn reads an amount of a currency in its smallest unit. It must have the
// decimals of the currency: without them it could mean two units. For 0 that
// does not matter.
func amountIn(currency, text string) (units int64, err error) {
	decimals, _ := store.CurrencyDecimals(currency)
	a, ok := store.ParseAmount(text)
	if !ok || !isAmount(text) {
		return 0, fmt.Errorf("%s: want an amount such as %s", text, store.FormatUnits(5000, decimals))
	}
	main, fits := a.In(decimals)
	switch {
	case a.Digits == 0 && a.Decimals <= decimals:
		return 0, nil
	case a.Decimals == 0 && decimals > 0 && fits:
		large, small := store.FormatUnits(main, decimals), store.FormatUnits(a.Digits, decimals)
		return 0, fmt.Errorf("%s could be %s or %s: write %s or %s",
			text, views.FullPrice(main, currency), views.FullPrice(a.Digits, currency), large, small)
	case decimals == 0 && a.Decimals > 0:
		return 0, fmt.Errorf("%s: %s has no decimals: want an amount such as 5000", text, currency)
	case a.Decimals != decimals:
		return 0, fmt.Errorf("%s: %s has %s: want an amount such as %s", text, currency, count(decimals, "decimal"), store.FormatUnits(5000, decimals))
	case main > store.MaxPrice:
		return 0, fmt.Errorf("%s: want at most %s", text, store.FormatUnits(store.MaxPrice, decimals))
	}
	return main, nil
}

// apply gives categories of a hall the prices from flags.
func (p *pricing) apply(prices map[string]int64, hall plan.Plan, currency string) error {
	for _, named := range p.named {
		id, err := categoryOf(hall, named.category)
		if err != nil {
			return usageError{fmt.Errorf("--price %q: %w", named.category, err)}
		}
		if prices[id], err = amountIn(currency, named.amount); err != nil {
			return usageError{fmt.Errorf("--price %s=%w", named.category, err)}
		}
	}
	return nil
}

// categoryOf returns the id of a category that was named by id or name.
func categoryOf(hall plan.Plan, name string) (id string, err error) {
	var ids, namesakes []string
	for _, k := range hall.Categories {
		if k.ID == name {
			return k.ID, nil
		}
		ids = append(ids, k.ID)
		if k.Name == name {
			namesakes = append(namesakes, k.ID)
		}
	}
	switch len(namesakes) {
	case 0:
		return "", fmt.Errorf("the categories are %s", strings.Join(ids, ", "))
	case 1:
		return namesakes[0], nil
	}
	return "", fmt.Errorf("%d categories have that name: say the id, which is one of %s", len(namesakes), strings.Join(namesakes, ", "))
}

// ofFile returns the prices of an event with the hall of a file: from a flag,
// else from the file, else those of the event. slip is an error that --yes
// overrides.
func (p *pricing) ofFile(file plan.File, currency string, had map[string]int64) (prices map[string]int64, slip, err error) {
	prices, mixed, err := file.PricesIn(currency)
	if err != nil {
		return nil, nil, err
	}
	if mixed && !p.yes {
		slip = mixedError(file, prices, currency)
	}
	for _, c := range file.Plan.Categories {
		price, known := had[c.ID]
		if _, said := prices[c.ID]; !said && known {
			prices[c.ID] = price
		}
	}
	if err := p.apply(prices, file.Plan, currency); err != nil {
		return nil, nil, err
	}
	if p.free {
		prices = withFree(prices, file.Plan)
	}
	return prices, slip, nil
}

// mixedError shows how the prices were read, in the words of the file.
func mixedError(file plan.File, prices map[string]int64, currency string) error {
	var read []string
	for _, c := range file.Plan.Categories {
		text := ""
		if whole, is := file.Prices[c.ID]; is && whole != 0 {
			text = fmt.Sprint(whole)
		} else if decimal, is := file.Decimal[c.ID]; is {
			text = decimal.String()
		}
		if text != "" && len(read) < 6 {
			read = append(read, fmt.Sprintf("%s as %s", text, views.FullPrice(prices[c.ID], currency)))
		}
	}
	return usageError{fmt.Errorf("some prices are whole numbers, of the smallest unit, and some are not: %s: write all in one way, or say --yes", strings.Join(read, ", "))}
}

// withFree returns the prices with 0 for every category that has none.
func withFree(prices map[string]int64, hall plan.Plan) map[string]int64 {
	out := make(map[string]int64, len(hall.Categories))
	for _, c := range hall.Categories {
		out[c.ID] = prices[c.ID]
	}
	return out
}

// checkPriceChange refuses to change a price by more than half without --yes.
func (p *pricing) checkPriceChange(before, after store.Event, hall plan.Plan) error {
	for _, c := range hall.Categories {
		was, priced := before.Prices[c.ID]
		is := after.Prices[c.ID]
		if priced && !p.yes && byMoreThanHalf(was, is) {
			return usageError{fmt.Errorf("price of %s: from %s to %s is a change by more than half: say --yes if it is meant",
				c.Name, views.FullPrice(was, before.Currency), views.FullPrice(is, before.Currency))}
		}
	}
	return nil
}

func byMoreThanHalf(was, is int64) bool {
	change := max(is-was, was-is)
	return change > was-change // twice of it may be too large a number
}

// checkSeatPrices refuses to change the price of a seat by more than half, or
// to take it off sale, without --yes. A new category of a seat can do either.
func (p *pricing) checkSeatPrices(before, after store.Event, old, hall plan.Plan) error {
	was, is := seatPrices(before, old), seatPrices(after, hall)
	var example string
	changed := 0
	for _, id := range old.SeatIDs() {
		price, priced := was[id]
		next, sold := is[id]
		if !priced || sold && !byMoreThanHalf(price, next) {
			continue
		}
		if changed++; changed > 1 {
			continue
		}
		to := "not for sale"
		if sold {
			to = views.FullPrice(next, before.Currency)
		}
		example = fmt.Sprintf("%s from %s to %s", id, views.FullPrice(price, before.Currency), to)
	}
	if changed == 0 || p.yes {
		return nil
	}
	return usageError{fmt.Errorf("the price of %s would change by more than half, such as %s: say --yes if that is meant", count(changed, "seat"), example)}
}

// seatPrices returns the prices of the seats that are for sale, by id.
func seatPrices(e store.Event, hall plan.Plan) map[string]int64 {
	prices := map[string]int64{}
	for _, section := range hall.Sections {
		for _, row := range section.Rows {
			for _, s := range row.Seats {
				if price, priced := e.Prices[s.Category]; priced {
					prices[s.ID] = price
				}
			}
		}
	}
	return prices
}

// sayPrice returns the price of a category in words.
func sayPrice(e store.Event, category string) string {
	if price, priced := e.Prices[category]; priced {
		return views.Price(price, e.Currency)
	}
	return "not for sale"
}
