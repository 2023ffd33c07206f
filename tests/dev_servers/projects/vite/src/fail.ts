interface Item {
  name: string;
  price?: number;
}

// The types and the comments above are gone in what the browser runs.
export function fail(item: Item): number {
  if (item.price === undefined) {
    throw new RangeError(`no price for ${item.name}`);
  }
  return item.price;
}
