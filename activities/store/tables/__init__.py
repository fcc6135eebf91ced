"""The tables, private to the store: SQLModel classes by topic, and their Core tables, which the statements use."""

from activities.store.tables.base import METADATA as METADATA
from activities.store.tables.base import core
from activities.store.tables.desk import ApiKey, Notice, OutboxMessage, Task, TaskAssignee, TimelineLine
from activities.store.tables.life import Delivery, Event, Run, Send, Visit, Waiting
from activities.store.tables.papers import Document, DocumentNumber, Link, ListItem, Post
from activities.store.tables.people import (
    Customer,
    CustomerTerm,
    Department,
    Employee,
    EmployeeRole,
    Rotation,
    Suppression,
)
from activities.store.tables.shop import Order, OrderNumber, Payment, PipelineVersion, Shipment
from activities.store.tables.talks import Call, ChatAnswer, ChatMessage, Conversation, HookCode, Visitor, Whisper

CUSTOMERS = core(Customer)
CUSTOMER_TERMS = core(CustomerTerm)
SUPPRESSIONS = core(Suppression)
DEPARTMENTS = core(Department)
EMPLOYEES = core(Employee)
EMPLOYEE_ROLES = core(EmployeeRole)
ROTATIONS = core(Rotation)
ORDERS = core(Order)
ORDER_NUMBERS = core(OrderNumber)
PAYMENTS = core(Payment)
SHIPMENTS = core(Shipment)
PIPELINES = core(PipelineVersion)
EVENTS = core(Event)
WAITING = core(Waiting)
DELIVERIES = core(Delivery)
VISITS = core(Visit)
RUNS = core(Run)
LEDGER = core(Send)
TIMELINE = core(TimelineLine)
TASKS = core(Task)
TASK_ASSIGNEES = core(TaskAssignee)
NOTICES = core(Notice)
OUTBOX = core(OutboxMessage)
API_KEYS = core(ApiKey)
DOCUMENTS = core(Document)
DOCUMENT_NUMBERS = core(DocumentNumber)
LINKS = core(Link)
LIST_ITEMS = core(ListItem)
POSTS = core(Post)
CALLS = core(Call)
CONVERSATIONS = core(Conversation)
CHAT_MESSAGES = core(ChatMessage)
CHAT_ANSWERS = core(ChatAnswer)
WHISPERS = core(Whisper)
VISITORS = core(Visitor)
HOOK_CODES = core(HookCode)
