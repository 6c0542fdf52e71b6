"use client";

import { useState } from "react";

export function OrderButton({ productId }: { productId: number }) {
  const [state, setState] = useState("Order");

  async function order() {
    setState("Ordering…");
    const response = await fetch(`${process.env.NEXT_PUBLIC_API_URL}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ product_id: productId, quantity: 1 }),
    });
    setState(response.ok ? "Ordered" : "Try again");
  }

  return (
    <button type="button" onClick={order}>
      {state}
    </button>
  );
}
