export default function Cart() {
  return <h1 id="greeting">the cart is empty</h1>;
}
