"""Employees and departments: who is responsible, who gets tasks and notices."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from activities.store import employees
from activities.store.database import NotFound
from activities.store.records import Department, EmployeeRecord, NewEmployee, Page
from starter.gateway import examples
from starter.gateway.access import Right, needs
from starter.gateway.openapi import answers, body, changes
from starter.gateway.parts import Cursor, Gateway, Limit, Named, linked
from starter.gateway.problems import at
from starter.gateway.strict import StrictRoute

router = APIRouter(prefix="/v1", tags=["people"], route_class=StrictRoute)
_READ = [Depends(needs(Right.ORDERS_READ))]
_WRITE = [Depends(needs(Right.ADMIN))]
_RECORD = examples.EMPLOYEE_RECORD


@router.put("/employees/{id}", dependencies=_WRITE, responses=changes(_RECORD))
async def put_employee(
    gateway: Gateway,
    id: Named,
    employee: Annotated[NewEmployee, Body(openapi_examples=body(examples.EMPLOYEE, summary="A manager"))],
) -> EmployeeRecord:
    """Store an employee, or replace the one with that id. Sending it again changes nothing."""
    if employee.id != id:
        raise at("/id", detail=f"the path names '{id}', the body '{employee.id}'; they must be the same")
    try:
        async with gateway.store.write() as tx:
            return await employees.put(tx, employee, now=gateway.now())
    except NotFound as error:
        raise at(f"/{_FIELDS.get(error.what, 'head')}", detail=str(error)) from error


@router.get("/employees/{id}", dependencies=_READ, responses=answers(_RECORD, refusals=(404,)))
async def get_employee(gateway: Gateway, id: Named) -> EmployeeRecord:
    """Read an employee."""
    async with gateway.store.read() as tx:
        return await employees.get(tx, id=id)


@router.get("/employees", dependencies=_READ, responses=answers(examples.page(_RECORD)))
async def list_employees(
    request: Request, response: Response, gateway: Gateway, cursor: Cursor = None, limit: Limit = 50
) -> Page[EmployeeRecord]:
    """List employees by id."""
    async with gateway.listing() as tx:
        page = await employees.page(tx, cursor=cursor, limit=limit)
    return linked(page, request=request, response=response)


@router.put("/departments/{id}", dependencies=_WRITE, responses=changes(examples.DEPARTMENT))
async def put_department(
    gateway: Gateway,
    id: Named,
    department: Annotated[Department, Body(openapi_examples=body(examples.DEPARTMENT, summary="A department"))],
) -> Department:
    """Store a department, or replace the one with that id."""
    if department.id != id:
        raise at("/id", detail=f"the path names '{id}', the body '{department.id}'; they must be the same")
    async with gateway.store.write() as tx:
        return await employees.put_department(tx, department)


@router.get("/departments", dependencies=_READ, responses=answers([examples.DEPARTMENT]))
async def list_departments(gateway: Gateway) -> list[Department]:
    """List the departments by id."""
    async with gateway.store.read() as tx:
        return await employees.departments(tx)


_FIELDS = {"department": "department"}
