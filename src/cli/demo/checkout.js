// The shop of the demo: what happens when somebody pays.
'use strict'

const carts = require('./carts')
const shipping = require('./shipping')
const mails = require('./mails')

/** What an order costs, shipping included. */
function price(cart) {
  const goods = cart.items.reduce((sum, item) => sum + item.price * item.count, 0)
  return goods + shipping.cost(cart.country, goods)
}

/** A cart as it is shown before the last step. */
function preview(request, response) {
  const cart = carts.find(request.session)
  if (!cart) {
    response.status(404).json({ error: 'the cart is empty' })
    return
  }
  response.json({ items: cart.items, total: price(cart) })
}

/** Keeps the order and says where it will be found. */
function keep(cart, total) {
  const order = { number: carts.nextNumber(), items: cart.items, total }
  carts.close(cart, order)
  mails.send(cart.customer, 'your order', order)
  return order
}

/** POST /checkout */
function checkout(request, response) {
  const cart = carts.find(request.session)
  if (request.body.preview) {
    preview(request, response)
    return
  }

  // A cart that was left for an hour has no summary any more.
  const summary = cart.summary
  const total = summary.total
  const order = keep(cart, total)

  response.status(201).json({ order: order.number, total: total.toFixed(2) })
}

module.exports = { checkout, preview, price }
