"""The rule kinds: one file each, one line each here."""

from activities.actions import (
    activity,
    allow_delivery,
    assign,
    cancel,
    chat,
    code,
    comment,
    control,
    customer_details,
    delete,
    document,
    email,
    employee_details,
    feed,
    list_item,
    log,
    mark_paid,
    mark_shipped,
    move,
    notify,
    plan_call,
    plan_meeting,
    robocall,
    run,
    set,
    sms,
    task,
    wait_for,
    webhook,
)
from activities.actions.protocol import Action
from workflows.pipeline.kinds import Kinds

_REGISTERED = (
    Action(sms.KIND, compose=sms.compose),
    Action(email.KIND, compose=email.compose),
    Action(chat.KIND, compose=chat.compose),
    Action(robocall.KIND, compose=robocall.compose),
    Action(webhook.KIND, compose=webhook.compose),
    Action(run.KIND, compose=run.compose),
    Action(document.KIND, compose=document.compose),
    Action(log.KIND, record=log.record),
    Action(comment.KIND, record=comment.record),
    Action(notify.KIND, record=notify.record),
    Action(control.KIND, record=control.record),
    Action(task.KIND, record=task.record),
    Action(assign.KIND, record=assign.record),
    Action(move.KIND, record=move.record),
    Action(set.KIND, record=set.record),
    Action(mark_paid.KIND, record=mark_paid.record),
    Action(mark_shipped.KIND, record=mark_shipped.record),
    Action(allow_delivery.KIND, record=allow_delivery.record),
    Action(cancel.KIND, record=cancel.record),
    Action(code.KIND, record=code.record),
    Action(wait_for.KIND, record=wait_for.record),
    Action(activity.KIND, record=activity.record),
    Action(customer_details.KIND, record=customer_details.record),
    Action(delete.KIND, record=delete.record),
    Action(employee_details.KIND, record=employee_details.record),
    Action(feed.KIND, record=feed.record),
    Action(list_item.KIND, record=list_item.record),
    Action(plan_call.KIND, record=plan_call.record),
    Action(plan_meeting.KIND, record=plan_meeting.record),
)

#: Every registered rule kind with its function, by name.
ACTIONS: dict[str, Action] = {action.kind.name: action for action in _REGISTERED}

#: What the loader must know of them.
KINDS = Kinds(action.kind for action in _REGISTERED)
