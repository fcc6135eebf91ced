"""The first schema."""

import sqlalchemy as sa
from alembic import op

from activities.store import columns

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table('api_keys',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('name', columns.Words(), nullable=False),
    sa.Column('hash', columns.Words(), nullable=False),
    sa.Column('scopes', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('expires_at', columns.Moment(), nullable=True),
    sa.Column('last_used_at', columns.Moment(), nullable=True),
    sa.Column('revoked_at', columns.Moment(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('hash', name=op.f('uq_api_keys_hash'))
    )
    op.create_table('customers',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('kind', columns.Words(), nullable=False),
    sa.Column('first_name', columns.Words(), nullable=False),
    sa.Column('last_name', columns.Words(), nullable=False),
    sa.Column('company', columns.Words(), nullable=False),
    sa.Column('phone', columns.Words(), nullable=False),
    sa.Column('email', columns.Words(), nullable=False),
    sa.Column('language', columns.Words(), nullable=False),
    sa.Column('country', columns.Words(), nullable=False),
    sa.Column('time_zone', columns.Words(), nullable=False),
    sa.Column('channel', columns.Words(), nullable=False),
    sa.Column('vip', sa.Boolean(), nullable=False),
    sa.Column('consent', columns.Json(), nullable=False),
    sa.Column('fields', columns.Json(), nullable=False),
    sa.Column('company_id', columns.Words(), nullable=True),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['customers.id'], name=op.f('fk_customers_company_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customers'))
    )
    with op.batch_alter_table('customers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customers_company_id'), ['company_id'], unique=False)

    op.create_table('departments',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('title', columns.Words(), nullable=False),
    sa.Column('head', columns.Words(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_departments'))
    )
    op.create_table('document_numbers',
    sa.Column('shop', columns.Words(), nullable=False),
    sa.Column('template', columns.Words(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('shop', 'template', 'year', name=op.f('pk_document_numbers'))
    )
    op.create_table('events',
    sa.Column('seq', columns.Serial(), nullable=False),
    sa.Column('source', columns.Words(), nullable=False),
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('type', columns.Words(), nullable=False),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.Column('data', columns.Json(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=True),
    sa.Column('problem', columns.Words(), nullable=False),
    sa.Column('received_at', columns.Moment(), nullable=False),
    sa.Column('whose', columns.Words(), nullable=True),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_events')),
    sa.UniqueConstraint('source', 'id', name=op.f('uq_events_source_id'))
    )
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index('ix_events_parked', ['seq'], unique=False, sqlite_where=sa.text("problem <> ''"), postgresql_where=sa.text("problem <> ''"))
        batch_op.create_index('ix_events_strays', ['received_at', 'seq'], unique=False, sqlite_where=sa.text('whose IS NOT NULL'), postgresql_where=sa.text('whose IS NOT NULL'))
        batch_op.create_index('ix_events_whose', ['whose'], unique=False, sqlite_where=sa.text('whose IS NOT NULL'), postgresql_where=sa.text('whose IS NOT NULL'))

    op.create_table('hook_codes',
    sa.Column('hash', columns.Words(), nullable=False),
    sa.Column('trigger', columns.Words(), nullable=False),
    sa.Column('secret', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('expires_at', columns.Moment(), nullable=True),
    sa.Column('last_used_at', columns.Moment(), nullable=True),
    sa.Column('data', columns.Json(), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_hook_codes'))
    )
    with op.batch_alter_table('hook_codes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hook_codes_trigger'), ['trigger'], unique=False)

    op.create_table('order_numbers',
    sa.Column('shop', columns.Words(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('shop', name=op.f('pk_order_numbers'))
    )
    op.create_table('outbox',
    sa.Column('send_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', columns.Words(), nullable=False),
    sa.Column('channel', columns.Words(), nullable=False),
    sa.Column('address', columns.Words(), nullable=False),
    sa.Column('sender', columns.Words(), nullable=False),
    sa.Column('subject', columns.Words(), nullable=False),
    sa.Column('body', columns.Words(), nullable=False),
    sa.Column('html', columns.Words(), nullable=False),
    sa.Column('headers', columns.Json(), nullable=False),
    sa.Column('attachments', columns.Json(), nullable=False),
    sa.Column('details', columns.Json(), nullable=False),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.PrimaryKeyConstraint('send_id', name=op.f('pk_outbox')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_outbox_provider_id'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_at_send_id'), ['at', 'send_id'], unique=False)

    op.create_table('pipelines',
    sa.Column('name', columns.Words(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('frozen_json', columns.Words(), nullable=False),
    sa.Column('reopens', columns.Json(), nullable=False),
    sa.Column('fields', columns.Json(), nullable=False),
    sa.Column('author', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.PrimaryKeyConstraint('name', 'version', name=op.f('pk_pipelines'))
    )
    op.create_table('rotations',
    sa.Column('pipeline', columns.Words(), nullable=False),
    sa.Column('stage', columns.Words(), nullable=False),
    sa.Column('rule', columns.Words(), nullable=False),
    sa.Column('turns', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('pipeline', 'stage', 'rule', name=op.f('pk_rotations'))
    )
    op.create_table('suppressions',
    sa.Column('channel', columns.Words(), nullable=False),
    sa.Column('address_hash', columns.Words(), nullable=False),
    sa.Column('reason', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.PrimaryKeyConstraint('channel', 'address_hash', name=op.f('pk_suppressions'))
    )
    op.create_table('conversations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('shop', columns.Words(), nullable=False),
    sa.Column('medium', columns.Words(), nullable=False),
    sa.Column('address', columns.Words(), nullable=False),
    sa.Column('customer_id', columns.Words(), nullable=True),
    sa.Column('language', columns.Words(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('last_at', columns.Moment(), nullable=False),
    sa.Column('last_inbound_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_conversations_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversations')),
    sa.UniqueConstraint('medium', 'address', name=op.f('uq_conversations_medium_address'))
    )
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversations_customer_id_last_inbound_at'), ['customer_id', 'last_inbound_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_conversations_last_at_id'), ['last_at', 'id'], unique=False)

    op.create_table('customer_terms',
    sa.Column('customer_id', columns.Words(), nullable=False),
    sa.Column('kind', columns.Words(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('value', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('type', columns.Words(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_customer_terms_customer_id')),
    sa.PrimaryKeyConstraint('customer_id', 'kind', 'position', name=op.f('pk_customer_terms'))
    )
    with op.batch_alter_table('customer_terms', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_terms_kind_value'), ['kind', 'value'], unique=False)

    op.create_table('employees',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('first_name', columns.Words(), nullable=False),
    sa.Column('last_name', columns.Words(), nullable=False),
    sa.Column('email', columns.Words(), nullable=True),
    sa.Column('phone', columns.Words(), nullable=True),
    sa.Column('department', columns.Words(), nullable=True),
    sa.Column('head', columns.Words(), nullable=True),
    sa.Column('time_zone', columns.Words(), nullable=False),
    sa.Column('hours', columns.Words(), nullable=False),
    sa.Column('roles', columns.Json(), nullable=False),
    sa.Column('absences', columns.Json(), nullable=False),
    sa.Column('last_absence', columns.Words(), nullable=True),
    sa.Column('notify', columns.Words(), nullable=False),
    sa.Column('chat', columns.Words(), nullable=True),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['department'], ['departments.id'], name=op.f('fk_employees_department')),
    sa.ForeignKeyConstraint(['head'], ['employees.id'], name=op.f('fk_employees_head')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_employees'))
    )
    with op.batch_alter_table('employees', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_employees_department'), ['department'], unique=False)
        batch_op.create_index(batch_op.f('ix_employees_head'), ['head'], unique=False)
        batch_op.create_index(batch_op.f('ix_employees_last_absence'), ['last_absence'], unique=False)

    op.create_table('visitors',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('shop', columns.Words(), nullable=False),
    sa.Column('customer_id', columns.Words(), nullable=True),
    sa.Column('forms', columns.Json(), nullable=False),
    sa.Column('visits', sa.Integer(), nullable=False),
    sa.Column('visit_started_at', columns.Moment(), nullable=False),
    sa.Column('seen_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_visitors_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visitors'))
    )
    with op.batch_alter_table('visitors', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visitors_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_visitors_strangers', ['seen_at'], unique=False, sqlite_where=sa.text('customer_id IS NULL'), postgresql_where=sa.text('customer_id IS NULL'))

    op.create_table('employee_roles',
    sa.Column('role', columns.Words(), nullable=False),
    sa.Column('employee', columns.Words(), nullable=False),
    sa.ForeignKeyConstraint(['employee'], ['employees.id'], name=op.f('fk_employee_roles_employee')),
    sa.PrimaryKeyConstraint('role', 'employee', name=op.f('pk_employee_roles'))
    )
    with op.batch_alter_table('employee_roles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_employee_roles_employee'), ['employee'], unique=False)

    op.create_table('orders',
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('shop', columns.Words(), nullable=False),
    sa.Column('number', columns.Words(), nullable=False),
    sa.Column('token', columns.Words(), nullable=False),
    sa.Column('pipeline', columns.Words(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('stage', columns.Words(), nullable=False),
    sa.Column('stage_kind', columns.Words(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('entered_at', columns.Moment(), nullable=True),
    sa.Column('held_at', columns.Moment(), nullable=True),
    sa.Column('resumed_at', columns.Moment(), nullable=True),
    sa.Column('attention', columns.Words(), nullable=False),
    sa.Column('responsible', columns.Words(), nullable=True),
    sa.Column('customer_id', columns.Words(), nullable=True),
    sa.Column('currency', columns.Words(), nullable=False),
    sa.Column('total', columns.Money(), nullable=False),
    sa.Column('paid_amount', columns.Money(), nullable=False),
    sa.Column('paid', sa.Boolean(), nullable=False),
    sa.Column('shipped', sa.Boolean(), nullable=False),
    sa.Column('delivered', sa.Boolean(), nullable=False),
    sa.Column('delivery_allowed', sa.Boolean(), nullable=False),
    sa.Column('cancelled', sa.Boolean(), nullable=False),
    sa.Column('cancel_reason', columns.Words(), nullable=False),
    sa.Column('delivery_date', sa.Date(), nullable=True),
    sa.Column('tracking_number', columns.Words(), nullable=False),
    sa.Column('tracking_url', columns.Words(), nullable=False),
    sa.Column('source', columns.Words(), nullable=False),
    sa.Column('note', columns.Words(), nullable=False),
    sa.Column('tags', columns.Json(), nullable=False),
    sa.Column('items', columns.Json(), nullable=False),
    sa.Column('fields', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.Column('deletes_when_done', sa.Boolean(), nullable=False),
    sa.Column('deleted_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_orders_customer_id')),
    sa.ForeignKeyConstraint(['responsible'], ['employees.id'], name=op.f('fk_orders_responsible')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orders')),
    sa.UniqueConstraint('token', name=op.f('uq_orders_token'))
    )
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.create_index('ix_orders_attention', ['created_at', 'id'], unique=False, sqlite_where=sa.text("attention <> ''"), postgresql_where=sa.text("attention <> ''"))
        batch_op.create_index(batch_op.f('ix_orders_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_orders_customer_id_created_at_id'), ['customer_id', 'created_at', 'id'], unique=False)
        batch_op.create_index('ix_orders_deleted', ['deleted_at'], unique=False, sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_orders_number'), ['number'], unique=False)
        batch_op.create_index(batch_op.f('ix_orders_pipeline_stage_kind_stage'), ['pipeline', 'stage_kind', 'stage'], unique=False)
        batch_op.create_index(batch_op.f('ix_orders_responsible_created_at_id'), ['responsible', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_orders_stage_created_at_id'), ['stage', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_orders_stage_kind_created_at_id'), ['stage_kind', 'created_at', 'id'], unique=False)

    op.create_table('calls',
    sa.Column('send_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('language', columns.Words(), nullable=False),
    sa.Column('voice', columns.Words(), nullable=False),
    sa.Column('rate', sa.Integer(), nullable=False),
    sa.Column('volume', sa.Integer(), nullable=False),
    sa.Column('audio', columns.Words(), nullable=False),
    sa.Column('call_id', columns.Words(), nullable=True),
    sa.Column('status', columns.Words(), nullable=False),
    sa.Column('answered_by', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('fetched_at', columns.Moment(), nullable=True),
    sa.Column('ended_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_calls_order_id')),
    sa.PrimaryKeyConstraint('send_id', name=op.f('pk_calls'))
    )
    with op.batch_alter_table('calls', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_calls_order_id'), ['order_id'], unique=False)

    op.create_table('chat_messages',
    sa.Column('id', columns.Serial(), nullable=False),
    sa.Column('conversation', sa.Uuid(), nullable=False),
    sa.Column('ref', columns.Words(), nullable=False),
    sa.Column('is_inbound', sa.Boolean(), nullable=False),
    sa.Column('author', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=True),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], name=op.f('fk_chat_messages_conversation')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_chat_messages_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_messages')),
    sa.UniqueConstraint('conversation', 'ref', name=op.f('uq_chat_messages_conversation_ref'))
    )
    with op.batch_alter_table('chat_messages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_chat_messages_conversation_id'), ['conversation', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_chat_messages_order_id'), ['order_id'], unique=False)

    op.create_table('deliveries',
    sa.Column('id', columns.Serial(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('event', columns.Serial(), nullable=False),
    sa.Column('state', columns.Words(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', columns.Moment(), nullable=False),
    sa.Column('error', columns.Words(), nullable=False),
    sa.Column('reason', columns.Words(), nullable=True),
    sa.Column('decision', columns.Json(), nullable=True),
    sa.Column('verdict', columns.Json(), nullable=True),
    sa.Column('decided_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['event'], ['events.seq'], name=op.f('fk_deliveries_event')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_deliveries_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('order_id', 'event', name=op.f('uq_deliveries_order_id_event'))
    )
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.create_index('ix_deliveries_dead', ['id'], unique=False, sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'"))
        batch_op.create_index(batch_op.f('ix_deliveries_event'), ['event'], unique=False)
        batch_op.create_index('ix_deliveries_open', ['next_at'], unique=False, sqlite_where=sa.text("decided_at IS NULL AND state != 'dead'"), postgresql_where=sa.text("decided_at IS NULL AND state != 'dead'"))

    op.create_table('documents',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('template', columns.Words(), nullable=False),
    sa.Column('number', columns.Words(), nullable=False),
    sa.Column('name', columns.Words(), nullable=False),
    sa.Column('media_type', columns.Words(), nullable=False),
    sa.Column('language', columns.Words(), nullable=False),
    sa.Column('is_signed', sa.Boolean(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('token', columns.Words(), nullable=False),
    sa.Column('rule', columns.Words(), nullable=True),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('viewed_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_documents_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_documents')),
    sa.UniqueConstraint('token', name=op.f('uq_documents_token'))
    )
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_documents_order_id_created_at'), ['order_id', 'created_at'], unique=False)

    op.create_table('ledger',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('run', sa.Uuid(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('stage', columns.Words(), nullable=False),
    sa.Column('rule', columns.Words(), nullable=False),
    sa.Column('channel', columns.Words(), nullable=False),
    sa.Column('provider', columns.Words(), nullable=False),
    sa.Column('address_hash', columns.Words(), nullable=False),
    sa.Column('body_hash', columns.Words(), nullable=False),
    sa.Column('state', columns.Words(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('provider_id', columns.Words(), nullable=True),
    sa.Column('provider_status', columns.Words(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('code', columns.Words(), nullable=False),
    sa.Column('words', columns.Words(), nullable=False),
    sa.Column('earlier', columns.Json(), nullable=False),
    sa.Column('claimed_at', columns.Moment(), nullable=True),
    sa.Column('lease_until', columns.Moment(), nullable=True),
    sa.Column('accepted_at', columns.Moment(), nullable=True),
    sa.Column('delivered_at', columns.Moment(), nullable=True),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_ledger_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger')),
    sa.UniqueConstraint('provider', 'provider_id', name=op.f('uq_ledger_provider_provider_id'))
    )
    with op.batch_alter_table('ledger', schema=None) as batch_op:
        batch_op.create_index('ix_ledger_held', ['updated_at'], unique=False, sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))
        batch_op.create_index('ix_ledger_leases', ['lease_until'], unique=False, sqlite_where=sa.text("state = 'dispatching'"), postgresql_where=sa.text("state = 'dispatching'"))
        batch_op.create_index(batch_op.f('ix_ledger_order_id_visit'), ['order_id', 'visit'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_run'), ['run'], unique=False)
        batch_op.create_index('ix_ledger_unsettled', ['address_hash'], unique=False, sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))

    op.create_table('links',
    sa.Column('token', columns.Words(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('send_id', sa.Uuid(), nullable=False),
    sa.Column('rule', columns.Words(), nullable=False),
    sa.Column('url', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('clicked_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_links_order_id')),
    sa.PrimaryKeyConstraint('token', name=op.f('pk_links'))
    )
    with op.batch_alter_table('links', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_links_send_id'), ['send_id'], unique=False)

    op.create_table('list_items',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('list', columns.Words(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=True),
    sa.Column('fields', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_list_items_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_items'))
    )
    with op.batch_alter_table('list_items', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_list_items_list_created_at_id'), ['list', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_list_items_order_id'), ['order_id'], unique=False)

    op.create_table('notices',
    sa.Column('id', columns.Serial(), nullable=False),
    sa.Column('send_id', sa.Uuid(), nullable=False),
    sa.Column('employee', columns.Words(), nullable=True),
    sa.Column('room', columns.Words(), nullable=True),
    sa.Column('order_id', columns.Words(), nullable=True),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('sender', columns.Words(), nullable=False),
    sa.Column('ref', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('read_at', columns.Moment(), nullable=True),
    sa.Column('file', columns.Json(), nullable=True),
    sa.Column('way', columns.Words(), nullable=False),
    sa.Column('state', columns.Words(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', columns.Moment(), nullable=True),
    sa.Column('provider', columns.Words(), nullable=False),
    sa.Column('address_hash', columns.Words(), nullable=False),
    sa.Column('body_hash', columns.Words(), nullable=False),
    sa.Column('provider_id', columns.Words(), nullable=True),
    sa.Column('provider_status', columns.Words(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('code', columns.Words(), nullable=False),
    sa.Column('words', columns.Words(), nullable=False),
    sa.Column('claimed_at', columns.Moment(), nullable=True),
    sa.Column('repeated_at', columns.Moment(), nullable=True),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['employee'], ['employees.id'], name=op.f('fk_notices_employee')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_notices_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('employee', 'ref', name=op.f('uq_notices_employee_ref')),
    sa.UniqueConstraint('room', 'ref', name=op.f('uq_notices_room_ref'))
    )
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.create_index('ix_notices_held', ['updated_at'], unique=False, sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))
        batch_op.create_index(batch_op.f('ix_notices_employee_id'), ['employee', 'id'], unique=False)
        batch_op.create_index('ix_notices_open', ['next_at'], unique=False, sqlite_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"))
        batch_op.create_index(batch_op.f('ix_notices_order_id'), ['order_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notices_provider_provider_id'), ['provider', 'provider_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notices_send_id'), ['send_id'], unique=False)
        batch_op.create_index('ix_notices_unsettled', ['address_hash'], unique=False, sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))

    op.create_table('payments',
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('kind', columns.Words(), nullable=False),
    sa.Column('amount', columns.Money(), nullable=False),
    sa.Column('currency', columns.Words(), nullable=False),
    sa.Column('reference', columns.Words(), nullable=False),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_payments_order_id')),
    sa.PrimaryKeyConstraint('order_id', 'id', name=op.f('pk_payments'))
    )
    op.create_table('posts',
    sa.Column('id', columns.Serial(), nullable=False),
    sa.Column('ref', columns.Words(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=True),
    sa.Column('title', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('sender', columns.Words(), nullable=False),
    sa.Column('readers', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_posts_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_posts')),
    sa.UniqueConstraint('ref', name=op.f('uq_posts_ref'))
    )
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_posts_order_id'), ['order_id'], unique=False)

    op.create_table('runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('rule', columns.Words(), nullable=False),
    sa.Column('stage', columns.Words(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('planned', columns.Json(), nullable=False),
    sa.Column('due', columns.Moment(), nullable=True),
    sa.Column('status', columns.Words(), nullable=False),
    sa.Column('reason', columns.Words(), nullable=True),
    sa.Column('words', columns.Words(), nullable=False),
    sa.Column('started_at', columns.Moment(), nullable=True),
    sa.Column('ended_at', columns.Moment(), nullable=True),
    sa.Column('results', columns.Json(), nullable=True),
    sa.Column('compared', columns.Json(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_runs_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_runs')),
    sa.UniqueConstraint('order_id', 'visit', 'rule', name=op.f('uq_runs_order_id_visit_rule'))
    )
    op.create_table('shipments',
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('id', columns.Words(), nullable=False),
    sa.Column('approved_at', columns.Moment(), nullable=True),
    sa.Column('tracking_number', columns.Words(), nullable=False),
    sa.Column('tracking_url', columns.Words(), nullable=False),
    sa.Column('shipped_at', columns.Moment(), nullable=True),
    sa.Column('status', columns.Words(), nullable=False),
    sa.Column('delivered_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_shipments_order_id')),
    sa.PrimaryKeyConstraint('order_id', 'id', name=op.f('pk_shipments'))
    )
    op.create_table('tasks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('kind', columns.Words(), nullable=False),
    sa.Column('title', columns.Words(), nullable=False),
    sa.Column('description', columns.Words(), nullable=False),
    sa.Column('is_important', sa.Boolean(), nullable=False),
    sa.Column('place', columns.Words(), nullable=False),
    sa.Column('begins_at', columns.Moment(), nullable=True),
    sa.Column('assignees', columns.Json(), nullable=False),
    sa.Column('participants', columns.Json(), nullable=False),
    sa.Column('checklist', columns.Json(), nullable=False),
    sa.Column('due', columns.Moment(), nullable=True),
    sa.Column('close_on_leave', sa.Boolean(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=True),
    sa.Column('rule', columns.Words(), nullable=True),
    sa.Column('status', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('closed_at', columns.Moment(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_tasks_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks'))
    )
    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tasks_order_id_created_at_id'), ['order_id', 'created_at', 'id'], unique=False)

    op.create_table('timeline',
    sa.Column('seq', columns.Serial(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('kind', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('author', columns.Words(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=True),
    sa.Column('rule', columns.Words(), nullable=True),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.Column('data', columns.Json(), nullable=False),
    sa.Column('ref', columns.Words(), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_timeline_order_id')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_timeline')),
    sa.UniqueConstraint('order_id', 'ref', name=op.f('uq_timeline_order_id_ref'))
    )
    with op.batch_alter_table('timeline', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timeline_order_id_seq'), ['order_id', 'seq'], unique=False)

    op.create_table('visits',
    sa.Column('order_id', columns.Words(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('stage', columns.Words(), nullable=False),
    sa.Column('stage_kind', columns.Words(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('entered_at', columns.Moment(), nullable=False),
    sa.Column('by', columns.Words(), nullable=False),
    sa.Column('is_automatic', sa.Boolean(), nullable=False),
    sa.Column('cause_source', columns.Words(), nullable=False),
    sa.Column('cause_id', columns.Words(), nullable=False),
    sa.Column('cause_type', columns.Words(), nullable=False),
    sa.Column('card', columns.Json(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_visits_order_id')),
    sa.PrimaryKeyConstraint('order_id', 'visit', name=op.f('pk_visits'))
    )
    op.create_table('whispers',
    sa.Column('id', columns.Serial(), nullable=False),
    sa.Column('conversation', sa.Uuid(), nullable=False),
    sa.Column('ref', columns.Words(), nullable=False),
    sa.Column('author', columns.Words(), nullable=False),
    sa.Column('text', columns.Words(), nullable=False),
    sa.Column('order_id', columns.Words(), nullable=True),
    sa.Column('at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], name=op.f('fk_whispers_conversation')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_whispers_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_whispers')),
    sa.UniqueConstraint('conversation', 'ref', name=op.f('uq_whispers_conversation_ref'))
    )
    with op.batch_alter_table('whispers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_whispers_conversation_id'), ['conversation', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_whispers_order_id'), ['order_id'], unique=False)

    op.create_table('chat_answers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation', sa.Uuid(), nullable=False),
    sa.Column('message', columns.Serial(), nullable=False),
    sa.Column('state', columns.Words(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', columns.Moment(), nullable=True),
    sa.Column('provider', columns.Words(), nullable=False),
    sa.Column('address_hash', columns.Words(), nullable=False),
    sa.Column('body_hash', columns.Words(), nullable=False),
    sa.Column('provider_id', columns.Words(), nullable=True),
    sa.Column('provider_status', columns.Words(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('code', columns.Words(), nullable=False),
    sa.Column('words', columns.Words(), nullable=False),
    sa.Column('created_at', columns.Moment(), nullable=False),
    sa.Column('claimed_at', columns.Moment(), nullable=True),
    sa.Column('repeated_at', columns.Moment(), nullable=True),
    sa.Column('updated_at', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['conversation'], ['conversations.id'], name=op.f('fk_chat_answers_conversation')),
    sa.ForeignKeyConstraint(['message'], ['chat_messages.id'], name=op.f('fk_chat_answers_message')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_answers')),
    sa.UniqueConstraint('message', name=op.f('uq_chat_answers_message'))
    )
    with op.batch_alter_table('chat_answers', schema=None) as batch_op:
        batch_op.create_index('ix_chat_answers_held', ['updated_at'], unique=False, sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))
        batch_op.create_index(batch_op.f('ix_chat_answers_conversation_message'), ['conversation', 'message'], unique=False)
        batch_op.create_index(batch_op.f('ix_chat_answers_conversation_updated_at'), ['conversation', 'updated_at'], unique=False)
        batch_op.create_index('ix_chat_answers_open', ['next_at'], unique=False, sqlite_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"))
        batch_op.create_index(batch_op.f('ix_chat_answers_provider_provider_id'), ['provider', 'provider_id'], unique=False)
        batch_op.create_index('ix_chat_answers_unsettled', ['address_hash'], unique=False, sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))

    op.create_table('waiting',
    sa.Column('event', columns.Serial(), nullable=False),
    sa.Column('source', columns.Words(), nullable=False),
    sa.Column('awaited', columns.Words(), nullable=False),
    sa.Column('until', columns.Moment(), nullable=False),
    sa.ForeignKeyConstraint(['event'], ['events.seq'], name=op.f('fk_waiting_event')),
    sa.PrimaryKeyConstraint('event', name=op.f('pk_waiting'))
    )
    with op.batch_alter_table('waiting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_waiting_source_awaited'), ['source', 'awaited'], unique=False)

    op.create_table('task_assignees',
    sa.Column('employee', columns.Words(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_assignees_task_id')),
    sa.PrimaryKeyConstraint('employee', 'task_id', name=op.f('pk_task_assignees'))
    )
    with op.batch_alter_table('task_assignees', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_task_assignees_task_id'), ['task_id'], unique=False)



def downgrade() -> None:
    """Go back from this revision."""
    with op.batch_alter_table('task_assignees', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_task_assignees_task_id'))

    op.drop_table('task_assignees')
    with op.batch_alter_table('waiting', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_waiting_source_awaited'))

    op.drop_table('waiting')
    with op.batch_alter_table('chat_answers', schema=None) as batch_op:
        batch_op.drop_index('ix_chat_answers_unsettled', sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))
        batch_op.drop_index(batch_op.f('ix_chat_answers_provider_provider_id'))
        batch_op.drop_index('ix_chat_answers_open', sqlite_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"))
        batch_op.drop_index(batch_op.f('ix_chat_answers_conversation_updated_at'))
        batch_op.drop_index(batch_op.f('ix_chat_answers_conversation_message'))
        batch_op.drop_index('ix_chat_answers_held', sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))

    op.drop_table('chat_answers')
    with op.batch_alter_table('whispers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_whispers_order_id'))
        batch_op.drop_index(batch_op.f('ix_whispers_conversation_id'))

    op.drop_table('whispers')
    op.drop_table('visits')
    with op.batch_alter_table('timeline', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timeline_order_id_seq'))

    op.drop_table('timeline')
    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tasks_order_id_created_at_id'))

    op.drop_table('tasks')
    op.drop_table('shipments')
    op.drop_table('runs')
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_posts_order_id'))

    op.drop_table('posts')
    op.drop_table('payments')
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_index('ix_notices_unsettled', sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))
        batch_op.drop_index(batch_op.f('ix_notices_send_id'))
        batch_op.drop_index(batch_op.f('ix_notices_provider_provider_id'))
        batch_op.drop_index(batch_op.f('ix_notices_order_id'))
        batch_op.drop_index('ix_notices_open', sqlite_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('planned', 'dispatching', 'unknown')"))
        batch_op.drop_index(batch_op.f('ix_notices_employee_id'))
        batch_op.drop_index('ix_notices_held', sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))

    op.drop_table('notices')
    with op.batch_alter_table('list_items', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_list_items_order_id'))
        batch_op.drop_index(batch_op.f('ix_list_items_list_created_at_id'))

    op.drop_table('list_items')
    with op.batch_alter_table('links', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_links_send_id'))

    op.drop_table('links')
    with op.batch_alter_table('ledger', schema=None) as batch_op:
        batch_op.drop_index('ix_ledger_unsettled', sqlite_where=sa.text("state IN ('dispatching', 'unknown')"), postgresql_where=sa.text("state IN ('dispatching', 'unknown')"))
        batch_op.drop_index(batch_op.f('ix_ledger_run'))
        batch_op.drop_index(batch_op.f('ix_ledger_order_id_visit'))
        batch_op.drop_index('ix_ledger_leases', sqlite_where=sa.text("state = 'dispatching'"), postgresql_where=sa.text("state = 'dispatching'"))
        batch_op.drop_index('ix_ledger_held', sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"))

    op.drop_table('ledger')
    with op.batch_alter_table('documents', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_documents_order_id_created_at'))

    op.drop_table('documents')
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.drop_index('ix_deliveries_open', sqlite_where=sa.text("decided_at IS NULL AND state != 'dead'"), postgresql_where=sa.text("decided_at IS NULL AND state != 'dead'"))
        batch_op.drop_index(batch_op.f('ix_deliveries_event'))
        batch_op.drop_index('ix_deliveries_dead', sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'"))

    op.drop_table('deliveries')
    with op.batch_alter_table('chat_messages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_chat_messages_order_id'))
        batch_op.drop_index(batch_op.f('ix_chat_messages_conversation_id'))

    op.drop_table('chat_messages')
    with op.batch_alter_table('calls', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_calls_order_id'))

    op.drop_table('calls')
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_orders_stage_kind_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_orders_stage_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_orders_responsible_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_orders_pipeline_stage_kind_stage'))
        batch_op.drop_index(batch_op.f('ix_orders_number'))
        batch_op.drop_index('ix_orders_deleted', sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))
        batch_op.drop_index(batch_op.f('ix_orders_customer_id_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_orders_created_at_id'))
        batch_op.drop_index('ix_orders_attention', sqlite_where=sa.text("attention <> ''"), postgresql_where=sa.text("attention <> ''"))

    op.drop_table('orders')
    with op.batch_alter_table('employee_roles', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_employee_roles_employee'))

    op.drop_table('employee_roles')
    with op.batch_alter_table('visitors', schema=None) as batch_op:
        batch_op.drop_index('ix_visitors_strangers', sqlite_where=sa.text('customer_id IS NULL'), postgresql_where=sa.text('customer_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_visitors_customer_id'))

    op.drop_table('visitors')
    with op.batch_alter_table('employees', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_employees_last_absence'))
        batch_op.drop_index(batch_op.f('ix_employees_head'))
        batch_op.drop_index(batch_op.f('ix_employees_department'))

    op.drop_table('employees')
    with op.batch_alter_table('customer_terms', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_customer_terms_kind_value'))

    op.drop_table('customer_terms')
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversations_last_at_id'))
        batch_op.drop_index(batch_op.f('ix_conversations_customer_id_last_inbound_at'))

    op.drop_table('conversations')
    op.drop_table('suppressions')
    op.drop_table('rotations')
    op.drop_table('pipelines')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_at_send_id'))

    op.drop_table('outbox')
    op.drop_table('order_numbers')
    with op.batch_alter_table('hook_codes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hook_codes_trigger'))

    op.drop_table('hook_codes')
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.drop_index('ix_events_whose', sqlite_where=sa.text('whose IS NOT NULL'), postgresql_where=sa.text('whose IS NOT NULL'))
        batch_op.drop_index('ix_events_strays', sqlite_where=sa.text('whose IS NOT NULL'), postgresql_where=sa.text('whose IS NOT NULL'))
        batch_op.drop_index('ix_events_parked', sqlite_where=sa.text("problem <> ''"), postgresql_where=sa.text("problem <> ''"))

    op.drop_table('events')
    op.drop_table('document_numbers')
    op.drop_table('departments')
    with op.batch_alter_table('customers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_customers_company_id'))

    op.drop_table('customers')
    op.drop_table('api_keys')
