"""The examples of the API's description; a test holds each against its model."""

from typing import Any

NUMBER = "2026-00117"
AT = "2026-11-21T10:15:00Z"

CUSTOMER: dict[str, Any] = {
    "id": "c-4711",
    "first_name": "Anna",
    "last_name": "Nowak",
    "phones": [{"number": "+48221234567", "type": "mobile"}],
    "emails": [{"email": "anna@example.org", "type": "home"}],
    "language": "pl",
    "country": "PL",
    "time_zone": "Europe/Warsaw",
}
CUSTOMER_RECORD: dict[str, Any] = {
    **CUSTOMER,
    "kind": "contact",
    "company": "",
    "visitors": [],
    "vip": False,
    "consent": {"marketing": False, "sms": True, "email": True, "call": True, "chat": True},
    "channel": "",
    "fields": {},
    "company_id": None,
    "created_at": AT,
    "updated_at": AT,
}
CUSTOMER_PATCH: dict[str, Any] = {"language": "en", "vip": True}

EMPLOYEE: dict[str, Any] = {
    "id": "olga",
    "first_name": "Olga",
    "last_name": "Lis",
    "email": "olga@shop.example",
    "department": "sales",
    "head": "marek",
    "roles": ["manager"],
    "time_zone": "Europe/Warsaw",
    "hours": "mon-fri 09:00-17:00",
    "absences": [{"from": "2026-12-24", "to": "2026-12-31"}],
}
EMPLOYEE_RECORD: dict[str, Any] = {
    **EMPLOYEE,
    "phone": None,
    "notify": "email",
    "chat": None,
    "created_at": AT,
    "updated_at": AT,
}

ORDER: dict[str, Any] = {
    "number": NUMBER,
    "customer": CUSTOMER,
    "items": [{"sku": "MUG-1", "name": "Mug", "quantity": "2", "price": "24.50"}],
    "currency": "EUR",
    "delivery_date": "2026-11-30",
    "tags": ["gift"],
}
ORDER_RECORD: dict[str, Any] = {
    "number": NUMBER,
    "shop": "shop",
    "token": "Zk3v9QxT",
    "pipeline": "shop",
    "version": 7,
    "stage": "new",
    "stage_kind": "open",
    "visit": 1,
    "entered_at": AT,
    "held_at": None,
    "attention": "",
    "responsible": "olga",
    "customer_id": "c-4711",
    "items": [{"sku": "MUG-1", "name": "Mug", "quantity": "2", "price": "24.50"}],
    "currency": "EUR",
    "total": "49.00",
    "paid_amount": "0",
    "paid": False,
    "shipped": False,
    "delivered": False,
    "delivery_allowed": False,
    "cancelled": False,
    "cancel_reason": "",
    "delivery_date": "2026-11-30",
    "tracking_number": "",
    "tracking_url": "",
    "tags": ["gift"],
    "fields": {},
    "note": "",
    "source": "",
    "created_at": AT,
    "updated_at": AT,
    "is_deleted": False,
}
ORDER_PATCH: dict[str, Any] = {"delivery_date": "2026-12-02", "tags": ["gift", "express"]}

EVENT: dict[str, Any] = {
    "id": "psp-98123",
    "source": "psp",
    "type": "payment.paid",
    "at": AT,
    "data": {"amount": "49.00", "currency": "EUR", "reference": "98123"},
}
CUSTOMER_EVENT: dict[str, Any] = {
    "id": "pbx-551",
    "source": "pbx",
    "type": "call.missed",
    "at": AT,
    "customer": {"phone": "+48221234567"},
    "data": {"line": "main"},
}
DEAD_RECORD: dict[str, Any] = {
    "id": 4711,
    "shop": "shop",
    "number": NUMBER,
    "source": "psp",
    "event": "psp-98123",
    "type": "payment.paid",
    "at": AT,
    "attempts": 10,
    "error": "Temporal refused it for order 2026-00117: the namespace is being deleted",
}
PARKED_RECORD: dict[str, Any] = {
    "id": 815,
    "source": "stripe",
    "event": "pi_3PqLd2",
    "type": "payment.received",
    "at": AT,
    "received_at": AT,
    "problem": "it is more than what is open on the order: look, then record it by hand or pay it back",
    "data": {"amount": "490.00", "currency": "EUR", "reference": "pi_3PqLd2"},
}
EVENT_TYPE: dict[str, Any] = {
    "name": "payment.paid",
    "description": "The order is fully paid. Data: amount, currency, reference.",
    "to_customer_level": False,
}
PAYMENT: dict[str, Any] = {"id": "psp-98123", "source": "psp", "what": "received", "amount": "49.00", "currency": "EUR"}
PAYMENT_RECORD: dict[str, Any] = {
    "id": "psp:psp-98123",
    "kind": "received",
    "amount": "49.00",
    "currency": "EUR",
    "reference": "98123",
    "at": AT,
}
SHIPMENT: dict[str, Any] = {
    "id": "wms-7",
    "source": "wms",
    "what": "tracking_added",
    "tracking_number": "1Z999",
    "tracking_url": "https://track.example/1Z999",
}
SHIPMENT_RECORD: dict[str, Any] = {
    "id": "1",
    "approved_at": AT,
    "tracking_number": "1Z999",
    "tracking_url": "https://track.example/1Z999",
    "shipped_at": None,
    "status": "",
    "delivered_at": None,
}


def taken(event: dict[str, Any], *, type: str, is_duplicate: bool = False) -> dict[str, Any]:
    """Return the answer to an event."""
    return {
        "id": event["id"],
        "source": event["source"],
        "type": type,
        "orders": [NUMBER],
        "duplicate": is_duplicate,
        "unmatched": False,
    }


def page(*items: dict[str, Any]) -> dict[str, Any]:
    """Return a page of a list that goes on."""
    return {"items": list(items), "next_cursor": "eyJuIjo0Mn0"}


STATE: dict[str, Any] = {
    "shop": "shop",
    "number": NUMBER,
    "stage": "paid",
    "stage_kind": "open",
    "pipeline": "shop@7",
    "visit": 2,
    "entered_at": AT,
    "attention": "",
    "responsible": "olga",
    "total": 49.0,
    "currency": "EUR",
    "paid": True,
    "tags": ["gift"],
    "held": False,
}
COMMAND_RESULT: dict[str, Any] = {"reason": "moved_by_hand", "words": "Moved to paid by olga.", "state": STATE}

TIMELINE_RECORD: dict[str, Any] = {
    "seq": 12,
    "kind": "stage",
    "text": "Moved to Paid",
    "at": AT,
    "author": "",
    "visit": 2,
    "rule": None,
    "data": {},
}
WHY: dict[str, Any] = {
    "number": NUMBER,
    "stage": "paid",
    "visits": [
        {
            "visit": 1,
            "stage": "new",
            "version": 7,
            "entered_at": AT,
            "by": "",
            "cause": "order.created",
            "rules": [
                {
                    "rule": "remind-sms",
                    "kind": "sms",
                    "title": "SMS remind",
                    "status": "stopped",
                    "reason": "stage_left",
                    "words": "The order left the stage before the rule could start.",
                    "advice": "",
                    "compared": [],
                    "due": AT,
                    "started_at": None,
                    "ended_at": AT,
                }
            ],
        }
    ],
    "events": [
        {
            "id": "psp-98123",
            "source": "psp",
            "type": "payment.paid",
            "at": AT,
            "reason": "moved",
            "words": "The order moved to paid.",
            "advice": "",
            "compared": [],
            "triggers": [
                {
                    "trigger": "payment: paid",
                    "stage": "paid",
                    "reason": "moved",
                    "words": "It moved the order.",
                    "compared": [["order.total", "49.00"]],
                }
            ],
        }
    ],
    "next_cursor": None,
}
TASK_RECORD: dict[str, Any] = {
    "id": "2f1c6a3e-7d19-5b0e-8c55-3a1f0e9d7b11",
    "shop": "shop",
    "number": NUMBER,
    "title": "Pack the order",
    "description": "",
    "assignees": ["olga"],
    "participants": [],
    "checklist": [{"text": "Ribbon", "is_done": False}],
    "due": AT,
    "close_on_leave": True,
    "visit": 2,
    "rule": "pack",
    "status": "open",
    "created_at": AT,
    "closed_at": None,
}
NOTICE_RECORD: dict[str, Any] = {
    "id": 5,
    "employee": "olga",
    "room": None,
    "way": "email",
    "state": "accepted",
    "words": "",
    "shop": "shop",
    "number": NUMBER,
    "text": "Order 2026-00117 is paid.",
    "sender": "shop",
    "created_at": AT,
    "read_at": None,
}
OUTBOX_RECORD: dict[str, Any] = {
    "send_id": "2f1c6a3e-7d19-5b0e-8c55-3a1f0e9d7b11",
    "provider_id": "outbox-1",
    "channel": "sms",
    "address": "+48221234567",
    "sender": "",
    "subject": "",
    "body": "Thank you, your order 2026-00117 is paid.",
    "html": "",
    "headers": {},
    "at": AT,
}
DEPARTMENT: dict[str, Any] = {"id": "sales", "title": "Sales", "head": "marek"}
